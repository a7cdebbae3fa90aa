"""``samenspel funding explain``: why a decision fell as it did."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from samenspel.cli.console import Exit, data, end, plainly, print_json, talk
from samenspel.cli.options import AsJson, MaybeAs, reading_organisation
from samenspel.client.access.profile import Profile
from samenspel.client.read.explanation import Explanation, explain
from samenspel.client.replica import ReplicaStore, sync_over_kafka
from samenspel.contracts.topics import FUNDING, ORGANISATIONS

app = typer.Typer(no_args_is_help=True, help="What the money does.")


@app.callback()
def _group() -> None:
    """Keeps ``explain`` a command of its own."""


@app.command("explain")
def explain_command(
    application: Annotated[str, typer.Argument(metavar="ID", help="The application's id.")],
    db: Annotated[Path | None, typer.Option("--db", metavar="FILE", help="A replica; without, a fresh one.")] = None,
    organisation: MaybeAs = None,
    as_json: AsJson = False,
) -> None:
    """Explain a decision: room before, rule and article, room after, and the events that led there."""
    with plainly(), _replica(db, organisation) as store:
        found = explain(store, application)
    if found is None:
        end(Exit.NO, f"no application {application} is known in this replica")
    if as_json:
        print_json(asdict(found))
    else:
        _say(found)


@contextmanager
def _replica(db: Path | None, organisation: str | None) -> Iterator[ReplicaStore]:
    """The named one, or one that is made on the spot from Kafka and thrown away."""
    if db is not None:
        with ReplicaStore(db) as store:
            yield store
        return
    profile = Profile.find()
    with (
        tempfile.TemporaryDirectory(prefix="samenspel-") as folder,
        ReplicaStore(Path(folder) / "now.db", create=True) as store,
    ):
        with talk.status("reading"):
            report = sync_over_kafka(
                profile, reading_organisation(profile, organisation), store, topics=(ORGANISATIONS, FUNDING)
            )
        if not report.is_sound:
            end(Exit.NO, "the lanes do not hold what their digests say: `samenspel replica sync` names where")
        yield store


def _say(found: Explanation) -> None:
    for each in found.sentences:
        data.print(each, markup=False)
    data.print("\nThe events that led there:")
    for step in found.steps:
        data.print(f"  {step.time[:19].replace('T', ' ')}  {step.said}  [{step.lane} {step.sequence}]", markup=False)
