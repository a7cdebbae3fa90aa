"""``samenspel replica sync | verify | diff | ask | sql``: a local replica of all lanes, verified by digest."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from samenspel.cli.console import (
    Exit,
    TextTable,
    errors_as_messages,
    messages,
    print_json,
    print_line,
    print_message,
    print_table,
)
from samenspel.cli.options import AsJson, Database, MaybeAs, ViaOption, reading_organisation
from samenspel.cli.replica_questions import ask_command, sql_command
from samenspel.client.access.profile import Profile
from samenspel.client.replica import (
    REBUILD,
    LaneReport,
    ReplicaStore,
    SyncReport,
    VerifyReport,
    diff,
    sync_over_http,
    sync_over_kafka,
    verify,
)

app = typer.Typer(no_args_is_help=True, help="A verified replica of all lanes in SQLite, for plain SQL.")


app.command("ask")(ask_command)
app.command("sql")(sql_command)


@app.command("sync")
def sync_command(
    db: Database,
    organisation: MaybeAs = None,
    via: ViaOption = "kafka",
    follow: Annotated[bool, typer.Option("--follow", help="Continue with new events until Ctrl-C.")] = False,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Empty the file, and read every lane again from its first event.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Read new events into the replica and check the digest of every event.

    A file of another system is refused, and stays as it is: exit code 1. --rebuild empties the file, once the system
    can be read, and starts it again.

    samenspel replica sync --db replica.db && sqlite3 replica.db "select name, left_cents from programme"
    """
    with errors_as_messages():
        profile = Profile.find()
        oin = reading_organisation(profile, organisation)
        sync = sync_over_kafka if via == "kafka" else sync_over_http
        with ReplicaStore(db, create=True) as store, _progress_bar() as bar:
            task = bar.add_task("reading", total=None)
            report = sync(
                profile,
                oin,
                store,
                follow=follow,
                rebuild=rebuild,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
    if as_json:
        print_json({**_plain(report), "total_digest": report.total_digest})
    else:
        _print_sync(report)
    raise typer.Exit(Exit.OK if report.is_sound else Exit.FAILED)


@app.command("verify")
def verify_command(
    db: Database,
    organisation: MaybeAs = None,
    offline: Annotated[bool, typer.Option("--offline", help="Check the file alone, without Kafka.")] = False,
    as_json: AsJson = False,
) -> None:
    """Recompute every digest and table from the stored events, and compare the lanes with Kafka.

    Exit code 1 if any lane is not equal (diverged, behind, or ahead), or a table differs from the events.
    """
    with errors_as_messages(), ReplicaStore(db) as store:
        if offline:
            report = verify(store)
        else:
            profile = Profile.find()
            report = verify(store, profile, reading_organisation(profile, organisation))
    if as_json:
        print_json({"equal": report.is_equal, **_plain(report), "total_digest": report.total_digest})
    else:
        _print_verification(report)
    raise typer.Exit(Exit.OK if report.is_equal else Exit.FAILED)


@app.command("diff")
def diff_command(
    left: Annotated[Path, typer.Argument(metavar="A", readable=False)],
    right: Annotated[Path, typer.Argument(metavar="B", readable=False)],
    as_json: AsJson = False,
) -> None:
    """List the aggregates that differ between two replicas. Exit code 1 if any differ."""
    with errors_as_messages(), ReplicaStore(left) as left_store, ReplicaStore(right) as right_store:
        differences = diff(left_store, right_store)
    if as_json:
        print_json([_plain(each) for each in differences])
    else:
        for each in differences:
            print_line(str(each))
        print_message(f"{len(differences)} aggregate(s) differ")
    raise typer.Exit(Exit.FAILED if differences else Exit.OK)


def _plain(report: Any) -> dict[str, Any]:
    return asdict(report)


def _progress_bar() -> Progress:
    columns = (TextColumn("reading"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, console=messages, transient=True, disable=not messages.is_terminal)


def _print_sync(report: SyncReport) -> None:
    table = TextTable("lane", "sequence", "digest", "state")
    for lane in report.lanes:
        table.add_row(lane.lane, str(lane.sequence), lane.digest[:16], _problem(lane))
    print_table(table)
    print_line(f"total digest {report.total_digest}")
    rate = report.applied / report.seconds if report.seconds else 0
    print_message(f"{report.applied} event(s) applied in {report.seconds:.1f} s ({rate:,.0f}/s)")
    if report.unknown:
        print_message(f"{report.unknown} aggregate(s) of a kind unknown to this version are stored raw")
    if report.unreadable:
        print_message(f"{report.unreadable} record(s) are not canonical events and were skipped")
    _print_foreign(report)
    for lane in report.lanes:
        for sentence in _sentences(lane):
            print_message(sentence)


def _print_foreign(report: SyncReport | VerifyReport) -> None:
    """One line per range of records that are no canonical events."""
    for each in report.foreign:
        print_message(str(each))


def _sentences(lane: LaneReport) -> Iterator[str]:
    if lane.divergence:
        yield str(lane.divergence)
    elif lane.set_aside:
        rebuilt = f"its owner started timeline {lane.timeline}, and this replica was rebuilt from that timeline"
        yield f"{lane.lane}: {rebuilt}; the earlier events are in {lane.set_aside}"
    if lane.missing:
        yield f"{lane.lane}: event {lane.missing} is missing in Kafka; later events are not applied"
    if lane.jump:
        yield (
            f"{lane.lane}: its owner is on timeline {lane.jump} and this replica on {lane.timeline}: the timelines "
            f"between are not known here, so nothing is applied; {REBUILD}"
        )
    if lane.ahead:
        yield f"{lane.lane}: Kafka ends before event {lane.sequence}, which this replica has: events were lost there"


def _problem(lane: LaneReport) -> Text | str:
    if lane.divergence:
        return Text("diverged", "red")
    return f"gap at {lane.missing}" if lane.missing else "ahead" if lane.ahead else "too old" if lane.jump else ""


def _print_verification(report: VerifyReport) -> None:
    table = TextTable("lane", "sequence", "digest", "state")
    for lane in report.lanes:
        state = Text("equal") if lane.equal else Text("diverged", "red")
        if lane.behind:
            distance = f"behind by {lane.behind}" if lane.behind > 0 else f"ahead of its owner by {-lane.behind}"
            state.append(f", {distance}", "default")
        table.add_row(lane.lane, str(lane.sequence), lane.digest[:16], state)
    print_table(table)
    print_line(f"total digest {report.total_digest}")
    for fault in (*report.faults, *report.tables):
        print_line(str(fault))
    if report.tables:
        print_message(
            "`samenspel replica sync` defines missing tables anew; a changed file is best read again with --rebuild"
        )
    if not report.has_tables:
        print_message("the file has no tables of the current state yet: `samenspel replica sync` fills them")
    _print_foreign(report)
    if report.is_equal:
        compared = bool(report.lanes) and all(lane.behind is not None for lane in report.lanes)
        print_message("equal" if compared else "the file is consistent; it was not compared with Kafka")
