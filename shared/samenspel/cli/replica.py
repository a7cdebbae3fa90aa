"""``samenspel replica sync | verify | diff``: a copy of your own, and the proof that it equals all others."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from samenspel.cli.console import Exit, data, plainly, print_json, talk
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

app = typer.Typer(no_args_is_help=True, help="A verified copy of your own, made for plain SQL.")


@app.command("sync")
def sync_command(
    db: Database,
    organisation: MaybeAs = None,
    via: Via = "kafka",
    follow: Annotated[bool, typer.Option("--follow", help="Go on until Ctrl-C.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring the file up to date; only what is new is read. Every event's digest is checked.

    samenspel replica sync --db copy.db && sqlite3 copy.db "select name, left_cents from programme"
    """
    with plainly():
        profile = Profile.find()
        oin = reading_organisation(profile, organisation)
        sync = sync_over_kafka if via == "kafka" else sync_over_http
        with ReplicaStore(db, create=True) as store, _bar() as bar:
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
        _say_synced(report)
    raise typer.Exit(Exit.OK if report.is_sound else Exit.NO)


@app.command("verify")
def verify_command(
    db: Database,
    organisation: MaybeAs = None,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask Kafka how far its lanes are.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make every lane anew from the stored bytes, and compare with its owner's. 1 when diverged or behind."""
    with plainly(), ReplicaStore(db) as store:
        if offline:
            report = verify(store)
        else:
            profile = Profile.find()
            report = verify(store, profile, reading_organisation(profile, organisation))
    if as_json:
        print_json({"equal": report.is_equal, **_plain(report), "total_digest": report.total_digest})
    else:
        _say_verified(report)
    raise typer.Exit(Exit.OK if report.is_equal else Exit.NO)


@app.command("diff")
def diff_command(
    left: Annotated[Path, typer.Argument(metavar="A")],
    right: Annotated[Path, typer.Argument(metavar="B")],
    as_json: AsJson = False,
) -> None:
    """Name the aggregates that differ between two replicas. 1 when there are any."""
    with plainly(), ReplicaStore(left) as ours, ReplicaStore(right) as theirs:
        differences = diff(ours, theirs)
    if as_json:
        print_json([_plain(each) for each in differences])
    else:
        for each in differences:
            data.print(str(each), markup=False)
        talk.print(f"{len(differences)} aggregate(s) differ")
    raise typer.Exit(Exit.NO if differences else Exit.OK)


def _plain(report: Any) -> dict[str, Any]:
    return asdict(report)


def _bar() -> Progress:
    columns = (TextColumn("reading"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, console=talk, transient=True, disable=not talk.is_terminal)


def _say_synced(report: SyncReport) -> None:
    table = Table("lane", "sequence", "digest", "", box=None)
    for lane in report.lanes:
        amiss = "[red]diverged[/]" if lane.divergence else f"misses {lane.missing}" if lane.missing else ""
        table.add_row(lane.lane, str(lane.sequence), lane.digest[:16], amiss)
    data.print(table)
    data.print(f"total digest {report.total_digest}")
    rate = report.applied / report.seconds if report.seconds else 0
    talk.print(f"{report.applied} event(s) applied in {report.seconds:.1f} s ({rate:,.0f}/s)")
    if report.unknown:
        talk.print(f"{report.unknown} aggregate(s) of a kind that this version does not know are kept raw")
    if report.unreadable:
        talk.print(f"{report.unreadable} record(s) are no canonical events and were passed over")
    for lane in report.lanes:
        if lane.divergence:
            talk.print(str(lane.divergence), markup=False)
        elif lane.set_aside:
            said = f"its owner started it anew, and this copy was made again from timeline {lane.timeline}"
            talk.print(f"{lane.lane}: {said}; what it had before is kept in {lane.set_aside}", markup=False)
        if lane.missing:
            talk.print(f"{lane.lane}: event {lane.missing} is not in the log; nothing behind it is applied")


def _say_verified(report: VerifyReport) -> None:
    table = Table("lane", "sequence", "digest", "", box=None)
    for lane in report.lanes:
        standing = "equal" if lane.equal else "[red]diverged[/]"
        if lane.behind:
            where = f"behind by {lane.behind}" if lane.behind > 0 else f"ahead of its owner by {-lane.behind}"
            standing = f"{standing}, {where}"
        table.add_row(lane.lane, str(lane.sequence), lane.digest[:16], standing)
    data.print(table)
    data.print(f"total digest {report.total_digest}")
    for fault in report.faults:
        data.print(str(fault), markup=False)
    if report.is_equal:
        asked = all(lane.behind is not None for lane in report.lanes)
        talk.print("equal" if asked else "sound; its owners were not asked")
