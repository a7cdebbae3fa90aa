"""``samenspel replica sync | verify | diff``: a local replica of all lanes, verified by digest."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from samenspel.cli.console import Exit, data, errors_as_messages, messages, print_json
from samenspel.cli.options import AsJson, Database, MaybeAs, Via, reading_organisation
from samenspel.client.access.profile import Profile
from samenspel.client.replica import (
    ReplicaStore,
    SyncReport,
    VerifyReport,
    diff,
    sync_over_http,
    sync_over_kafka,
    verify,
)

app = typer.Typer(no_args_is_help=True, help="A verified replica of all lanes in SQLite, for plain SQL.")


@app.command("sync")
def sync_command(
    db: Database,
    organisation: MaybeAs = None,
    via: Via = "kafka",
    follow: Annotated[bool, typer.Option("--follow", help="Continue with new events until Ctrl-C.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read new events into the replica and check the digest of every event.

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
    """Recompute every digest from the stored events and compare with Kafka.

    Exit code 1 if any lane is not equal: diverged, behind, or ahead.
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
    left: Annotated[Path, typer.Argument(metavar="A")],
    right: Annotated[Path, typer.Argument(metavar="B")],
    as_json: AsJson = False,
) -> None:
    """List the aggregates that differ between two replicas. Exit code 1 if any differ."""
    with errors_as_messages(), ReplicaStore(left) as left_store, ReplicaStore(right) as right_store:
        differences = diff(left_store, right_store)
    if as_json:
        print_json([_plain(each) for each in differences])
    else:
        for each in differences:
            data.print(str(each), markup=False)
        messages.print(f"{len(differences)} aggregate(s) differ")
    raise typer.Exit(Exit.FAILED if differences else Exit.OK)


def _plain(report: Any) -> dict[str, Any]:
    return asdict(report)


def _progress_bar() -> Progress:
    columns = (TextColumn("reading"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, console=messages, transient=True, disable=not messages.is_terminal)


def _print_sync(report: SyncReport) -> None:
    table = Table("lane", "sequence", "digest", "state", box=None)
    for lane in report.lanes:
        problem = "[red]diverged[/]" if lane.divergence else f"gap at {lane.missing}" if lane.missing else ""
        table.add_row(lane.lane, str(lane.sequence), lane.digest[:16], problem)
    data.print(table)
    data.print(f"total digest {report.total_digest}")
    rate = report.applied / report.seconds if report.seconds else 0
    messages.print(f"{report.applied} event(s) applied in {report.seconds:.1f} s ({rate:,.0f}/s)")
    if report.unknown:
        messages.print(f"{report.unknown} aggregate(s) of a kind unknown to this version are stored raw")
    if report.unreadable:
        messages.print(f"{report.unreadable} record(s) are not canonical events and were skipped")
    for lane in report.lanes:
        if lane.divergence:
            messages.print(str(lane.divergence), markup=False)
        elif lane.set_aside:
            rebuilt = f"its owner started timeline {lane.timeline}, and this replica was rebuilt from that timeline"
            messages.print(f"{lane.lane}: {rebuilt}; the earlier events are in {lane.set_aside}", markup=False)
        if lane.missing:
            messages.print(f"{lane.lane}: event {lane.missing} is missing in Kafka; later events are not applied")


def _print_verification(report: VerifyReport) -> None:
    table = Table("lane", "sequence", "digest", "state", box=None)
    for lane in report.lanes:
        state = "equal" if lane.equal else "[red]diverged[/]"
        if lane.behind:
            distance = f"behind by {lane.behind}" if lane.behind > 0 else f"ahead of its owner by {-lane.behind}"
            state = f"{state}, {distance}"
        table.add_row(lane.lane, str(lane.sequence), lane.digest[:16], state)
    data.print(table)
    data.print(f"total digest {report.total_digest}")
    for fault in report.faults:
        data.print(str(fault), markup=False)
    if report.is_equal:
        compared = all(lane.behind is not None for lane in report.lanes)
        messages.print("equal" if compared else "the file is consistent; it was not compared with Kafka")
