"""``samenspel events tail``: shows canonical events."""

from itertools import islice
from typing import Annotated, Literal

import typer

from samenspel.cli.console import (
    Exit,
    errors_as_messages,
    exit_with,
    print_json_line,
    print_line,
    print_message,
    print_raw,
)
from samenspel.cli.options import AsJson, MaybeAs, reading_organisation
from samenspel.client.access.profile import Profile
from samenspel.client.read.sentences import NameIndex, sentence
from samenspel.client.read.tail import From, TailedEvent, tail
from samenspel.contracts.catalogue import event_types_named

app = typer.Typer(no_args_is_help=True, help="Canonical events of all lanes.")


@app.callback()
def _group() -> None:
    """Keep ``tail`` a subcommand: Typer runs the only command of an app without its name."""


@app.command("tail")
def tail_command(
    kind: Annotated[
        list[str] | None,
        typer.Option("--type", help="Show only events of this type, short or full name; may be repeated."),
    ] = None,
    since: Annotated[
        From, typer.Option("--from", help="Start at the first event or at the present end of each lane.")
    ] = "now",
    limit: Annotated[int | None, typer.Option(help="Number of events to show.", min=1)] = None,
    follow: Annotated[bool, typer.Option(help="Wait for new events at the end of the lanes.")] = True,
    raw: Annotated[
        bool, typer.Option("--raw", help="Show headers and data as published; byte for byte in a pipe or file.")
    ] = False,
    as_json: AsJson = False,
    organisation: MaybeAs = None,
) -> None:
    """Show canonical events as sentences with organisation and action. Ctrl-C ends the command."""
    if unknown := [each for each in kind or () if not event_types_named(each)]:
        exit_with(Exit.USAGE, f"event type {unknown[0]} does not exist; `samenspel catalogue` lists the types")
    types = [name for each in kind or () for name in event_types_named(each)]
    form: Literal["raw", "json", "sentence"] = "raw" if raw else "json" if as_json else "sentence"
    with errors_as_messages():
        profile = Profile.find()
        names = NameIndex({each.oin: each.name for each in profile.credentials()})
        events = tail(
            profile,
            reading_organisation(profile, organisation),
            names,
            since=since,
            follow=follow,
            types=types,
            on_unreadable=lambda place: print_message(f"{place} is no canonical event and was skipped"),
        )
        for tailed in islice(events, limit):
            _print_event(tailed, form, names)


def _print_event(tailed: TailedEvent, form: Literal["raw", "json", "sentence"], names: NameIndex) -> None:
    event = tailed.event
    if form == "sentence":
        text = sentence(event.type, event.aggregate, tailed.submitter, event.value, names)
        print_line(f"{tailed.time[:19].replace('T', ' ')}  {text}")
        return
    if form == "json":
        # One event per line: services publish data as JSON without line breaks.
        print_json_line(tailed.structured())
    else:
        print_raw(event.lines + b"\n" + event.value + b"\n\n")
