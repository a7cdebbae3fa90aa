"""``samenspel funding explain``: explains a decision on an application."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from samenspel.cli.console import Exit, errors_as_messages, exit_with, messages, print_json, print_line
from samenspel.cli.options import AsJson, MaybeAs, reading_organisation
from samenspel.client.access.profile import Profile
from samenspel.client.read.explanation import Explanation, explain
from samenspel.client.replica import ReplicaStore, sync_over_kafka
from samenspel.contracts.topics import FUNDING, ORGANISATIONS

app = typer.Typer(no_args_is_help=True, help="Decisions on applications.")


@app.callback()
def _group() -> None:
    """Keep ``explain`` a subcommand: Typer runs the only command of an app without its name."""


@app.command("explain")
def explain_command(
    application: Annotated[str, typer.Argument(metavar="ID", help="The application's id.")],
    db: Annotated[
        Path | None,
        typer.Option(
            "--db", metavar="FILE", readable=False, help="Replica to read (default: a new temporary replica)."
        ),
    ] = None,
    organisation: MaybeAs = None,
    as_json: AsJson = False,
) -> None:
    """Explain a decision: budget before and after, rule, article, and the events leading to the decision."""
    with errors_as_messages(), _open_replica(db, organisation) as store:
        found = explain(store, application)
    if found is None:
        exit_with(
            Exit.FAILED,
            f"application {application} is not in this replica; update it with `samenspel replica sync`",
        )
    if as_json:
        print_json(asdict(found))
    else:
        _print_explanation(found)


@contextmanager
def _open_replica(db: Path | None, organisation: str | None) -> Iterator[ReplicaStore]:
    """The replica in file ``db``, or a temporary replica read from Kafka."""
    if db is not None:
        with ReplicaStore(db) as store:
            yield store
        return
    profile = Profile.find()
    with (
        tempfile.TemporaryDirectory(prefix="samenspel-") as folder,
        ReplicaStore(Path(folder) / "now.db", create=True) as store,
    ):
        with messages.status("reading"):
            report = sync_over_kafka(
                profile, reading_organisation(profile, organisation), store, topics=(ORGANISATIONS, FUNDING)
            )
        if not report.is_sound:
            exit_with(Exit.FAILED, "a lane diverged or has a gap; `samenspel replica sync` names the event")
        yield store


def _print_explanation(found: Explanation) -> None:
    for each in found.sentences:
        print_line(each)
    print_line("")
    print_line("Events leading to the decision:")
    for step in found.steps:
        print_line(f"  {step.time[:19].replace('T', ' ')}  {step.said}  [{step.lane} {step.sequence}]")
