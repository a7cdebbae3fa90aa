"""``samenspel lanes list | recover | new-timeline``: what to do when a service's database and Kafka differ."""

import asyncio
from typing import Annotated, Any, Final

import typer
from rich.table import Column, Table

from samenspel.cli.console import Exit, data, plainly, print_json, talk
from samenspel.cli.options import AsJson, AsOperator
from samenspel.client.access.profile import Profile
from samenspel.client.admin.operator_api import OperatorApi
from samenspel.contracts.organisations import OPERATOR
from samenspel.contracts.topics import Service

ACT_SECONDS_MAX: Final = 6 * 3_600.0
"""A recovery reads all that was lost; a service that stops answers at once."""

app = typer.Typer(no_args_is_help=True, help="The lanes of a service, and recovering them; for the operator.")

Of = Annotated[Service, typer.Argument(metavar="SERVICE", help="registry, funding or notifier.")]


@app.command("list")
def list_command(service: Of, operator: AsOperator = OPERATOR, as_json: AsJson = False) -> None:
    """Every lane of a service. Ends with 1 when any door is closed."""
    with plainly():
        found = asyncio.run(_operator_api(service, operator).ask("GET", "/v1/lanes"))["items"]
    if as_json:
        print_json(found)
    else:
        figures = ("timeline", "sequence", "published", "behind")
        numbers = (Column(name, no_wrap=True) for name in figures)
        table = Table(Column("lane", overflow="fold"), *numbers, "door", box=None)
        for one in found:
            table.add_row(one["lane"], *(str(one[name]) for name in figures), one["reason"] or "open")
        data.print(table)
    raise typer.Exit(Exit.NO if any(one["reason"] for one in found) else Exit.OK)


@app.command("recover")
def recover_command(
    service: Of,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would come back; change nothing.")] = False,
    operator: AsOperator = OPERATOR,
    as_json: AsJson = False,
) -> None:
    """Bring back from Kafka what the service's database lost when it was restored from a backup.

    It may be repeated: what is there already stays as it is.
    """
    with plainly(), talk.status("recovering"):
        door = _operator_api(service, operator)
        found = asyncio.run(door.ask("POST", "/v1/lanes/recoveries", body={"dryRun": dry_run}))["items"]
    if as_json:
        return print_json(found)
    moved = [one for one in found if one["after"] > one["before"]]
    for one in moved:
        said = f"events {one['before'] + 1} to {one['after']}, {one['answers']} answer(s)"
        data.print(f"{one['lane']}: {said}", markup=False)
    _say_unkept([cause for one in found for cause in one["broken_promises"] + one["still_deferred"]])
    done = "would come back; nothing was changed" if dry_run else "came back"
    talk.print(f"{sum(one['after'] - one['before'] for one in moved)} record(s) on {len(moved)} lane(s) {done}")
    return None


@app.command("new-timeline")
def new_timeline_command(
    service: Of,
    lane: Annotated[str, typer.Argument(metavar="TOPIC/LANE", help="As `lanes list` names it.")],
    why: Annotated[str, typer.Option("--why", help="Goes into the record of what operators did.")],
    operator: AsOperator = OPERATOR,
    as_json: AsJson = False,
) -> None:
    """Start a lane anew with what the database holds; whatever else Kafka holds of it is given up, for good.

    Refused while `recover` can bring it back. Everybody who follows the lane rebuilds their copy of it.
    """
    with plainly(), talk.status("starting anew"):
        door = _operator_api(service, operator)
        said = asyncio.run(door.ask("POST", "/v1/lanes/timelines", body={"lane": lane, "why": why}))
    if as_json:
        return print_json(said)
    data.print(f"{said['lane']} is on timeline {said['timeline']}", markup=False)
    return None


def _say_unkept(causes: list[list[Any]]) -> None:
    """What was lost between commit and Kafka: who came over Kafka is read again, the others must send again."""
    by_http = [cause for cause in causes if cause[3] == "http"]
    if len(causes) > len(by_http):
        talk.print(f"{len(causes) - len(by_http)} submission(s) will be read from Kafka again and decided anew")
    for organisation, source, id, _ in by_http:
        data.print(f"to be sent again by {organisation}: {source} {id}", markup=False)


def _operator_api(service: Service, operator: str) -> OperatorApi:
    profile = Profile.find()
    return OperatorApi(profile.system(), profile.credential(operator), service, ACT_SECONDS_MAX)
