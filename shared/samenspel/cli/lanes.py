"""``samenspel lanes list | recover | new-timeline``: lists and recovers lanes, and starts new timelines."""

import asyncio
from typing import Annotated, Any, Final

import typer
from rich.table import Column

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
from samenspel.cli.options import AsJson, AsOperator
from samenspel.client.access.profile import Profile
from samenspel.client.admin.operator_answers import LaneAnswers, RecoveryAnswers, TimelineAnswer
from samenspel.client.admin.operator_api import OperatorApi
from samenspel.contracts.organisations import OPERATOR
from samenspel.contracts.topics import Service

ACT_SECONDS_MAX: Final = 6 * 3_600.0
"""Seconds: a recovery reads every lost record. A service that stops closes the connection at once."""

app = typer.Typer(no_args_is_help=True, help="Lanes of a service and their recovery; for the operator.")

ServiceArgument = Annotated[Service, typer.Argument(metavar="SERVICE", help="registry, funding or notifier.")]


@app.command("list")
def list_command(service: ServiceArgument, operator: AsOperator = OPERATOR, as_json: AsJson = False) -> None:
    """List the lanes of a service. Exit code 1 if any lane is not reconciled."""
    with errors_as_messages():
        api = _operator_api(service, operator)
        found = asyncio.run(api.request("GET", "/v1/lanes", shape=LaneAnswers))["items"]
    if as_json:
        print_json(found)
    else:
        figures = ("timeline", "sequence", "published", "behind")
        numbers = (Column(name, no_wrap=True) for name in figures)
        table = TextTable(Column("lane", overflow="fold"), *numbers, "reconciled", "reason")
        for lane in found:
            reconciled = "no" if lane["reason"] else "yes"
            table.add_row(lane["lane"], *(str(lane[name]) for name in figures), reconciled, lane["reason"] or "")
        print_table(table)
    raise typer.Exit(Exit.FAILED if any(lane["reason"] for lane in found) else Exit.OK)


@app.command("recover")
def recover_command(
    service: ServiceArgument,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what a recovery would restore. Changes nothing.")
    ] = False,
    operator: AsOperator = OPERATOR,
    as_json: AsJson = False,
) -> None:
    """Restore from Kafka the records that the database of a service lost by a restore from backup.

    Repeating the command is harmless: records in the database stay unchanged.
    """
    with errors_as_messages(), messages.status("recovering"):
        api = _operator_api(service, operator)
        request = api.request("POST", "/v1/lanes/recoveries", body={"dry_run": dry_run}, shape=RecoveryAnswers)
        found = asyncio.run(request)["items"]
    if as_json:
        return print_json(found)
    restored = [lane for lane in found if lane["after"] > lane["before"]]
    for lane in restored:
        records = f"events {lane['before'] + 1} to {lane['after']}, {lane['answers']} answer(s)"
        print_line(f"{lane['lane']}: {records}")
    _print_lost_submissions([each for lane in found for each in lane["broken_promises"] + lane["still_deferred"]])
    number = sum(lane["after"] - lane["before"] for lane in restored)
    result = "would be restored; nothing was changed" if dry_run else "restored"
    print_message(f"{number} record(s) on {len(restored)} lane(s) {result}")
    return None


@app.command("new-timeline")
def new_timeline_command(
    service: ServiceArgument,
    lane: Annotated[str, typer.Argument(metavar="TOPIC/LANE", help="Name of the lane in `lanes list`.")],
    why: Annotated[str, typer.Option("--why", help="Reason, stored in the audit log.")],
    operator: AsOperator = OPERATOR,
    as_json: AsJson = False,
) -> None:
    """Start a new timeline of a lane from the database. Records that only Kafka has are lost for good.

    The service refuses while `recover` can restore the lane. Every follower rebuilds its replica of the lane.
    """
    with errors_as_messages(), messages.status("starting a new timeline"):
        api = _operator_api(service, operator)
        request = api.request("POST", "/v1/lanes/timelines", body={"lane": lane, "why": why}, shape=TimelineAnswer)
        result = asyncio.run(request)
    if as_json:
        return print_json(result)
    print_line(f"{result['lane']} is on timeline {result['timeline']}")
    return None


def _print_lost_submissions(lost: list[dict[str, Any]]) -> None:
    """Name the submissions lost between commit and Kafka.

    A submission over Kafka is read again; a submission over HTTP must be sent again. The moment of receipt of a
    deferred submission counts again.
    """
    by_http = [each for each in lost if each["record"] == "http"]
    if len(lost) > len(by_http):
        print_message(f"{len(lost) - len(by_http)} submission(s) will be read from Kafka and decided again")
    for each in by_http:
        received = f", which counts as received at {each['received_at']}" if each["received_at"] else ""
        print_line(f"{each['organisation']} must send again: {each['source']} {each['id']}{received}")


def _operator_api(service: Service, operator: str) -> OperatorApi:
    profile = Profile.find()
    return OperatorApi(profile.system(), profile.credential(operator), service, ACT_SECONDS_MAX)
