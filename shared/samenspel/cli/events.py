"""``samenspel events tail``: what happens, as it happens."""

import sys
from itertools import islice
from typing import Annotated, Literal

import typer

from samenspel.cli.console import Exit, data, end, plainly
from samenspel.cli.options import AsJson, MaybeAs, reading_organisation
from samenspel.client.access.profile import Profile
from samenspel.client.read.sentences import NameIndex, sentence
from samenspel.client.read.tail import From, TailedEvent, tail
from samenspel.client.submit.statements import full_type
from samenspel.contracts.catalogue import EVENT_TYPES

app = typer.Typer(no_args_is_help=True, help="What has happened.")


@app.callback()
def _group() -> None:
    """Keeps ``tail`` a command of its own."""


@app.command("tail")
def tail_command(
    kind: Annotated[list[str] | None, typer.Option("--type", help="Only these types, short or full.")] = None,
    since: Annotated[From, typer.Option("--from", help="Where to begin.")] = "now",
    limit: Annotated[int | None, typer.Option(help="Stop after so many.", min=1)] = None,
    follow: Annotated[bool, typer.Option(help="Go on when there is nothing more.")] = True,
    raw: Annotated[
        bool, typer.Option("--raw", help="The lines and the bytes as their owner published them.")
    ] = False,
    as_json: AsJson = False,
    organisation: MaybeAs = None,
) -> None:
    """Show canonical events as sentences: who did what. Ctrl-C ends it."""
    types = [full_type(each) for each in kind or ()]
    if unknown := [each for each in types if each not in EVENT_TYPES]:
        end(Exit.USAGE, f"there is no event type {unknown[0]}; `samenspel catalogue` shows what there is")
    form: Literal["raw", "json", "sentence"] = "raw" if raw else "json" if as_json else "sentence"
    with plainly():
        profile = Profile.find()
        names = NameIndex({each.oin: each.name for each in profile.credentials()})
        events = tail(
            profile, reading_organisation(profile, organisation), names, since=since, follow=follow, types=types
        )
        for told in islice(events, limit):
            _show(told, form, names)


def _show(told: TailedEvent, form: Literal["raw", "json", "sentence"], names: NameIndex) -> None:
    event = told.event
    if form == "sentence":
        said = sentence(event.type, event.aggregate, told.submitter, event.value, names)
        data.print(f"{told.time[:19].replace('T', ' ')}  {said}", markup=False)
        return
    # One event a line: the data is JSON without line ends, because that is how owners write it.
    sys.stdout.buffer.write(
        told.structured() + b"\n" if form == "json" else event.lines + b"\n" + event.value + b"\n\n"
    )
    sys.stdout.buffer.flush()
