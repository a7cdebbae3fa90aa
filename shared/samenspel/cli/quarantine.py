"""``samenspel quarantine list | show | retry | discard``: the quarantine of a service, for the operator."""

import asyncio
from typing import Annotated, Any, Literal, get_args

import typer
from rich.table import Column, Table

from samenspel.cli.console import Exit, data, errors_as_messages, exit_with, print_json
from samenspel.cli.options import AsJson, AsOperator
from samenspel.client.access.profile import Profile
from samenspel.client.admin.quarantine import QuarantineClient
from samenspel.contracts.organisations import OPERATOR
from samenspel.contracts.topics import Service

app = typer.Typer(no_args_is_help=True, help="Records that a service could not decode or decide; for the operator.")

Number = Annotated[int, typer.Argument(metavar="N", help="Number of the record in `quarantine list`.")]
ServiceOption = Annotated[
    Service, typer.Option("--service", help="Service of the record; each service numbers its own records.")
]


@app.command("list")
def list_command(
    service: Annotated[Service | None, typer.Option(help="Service to list (default: all three).")] = None,
    everything: Annotated[bool, typer.Option("--all", help="List resolved records as well.")] = False,
    operator: AsOperator = OPERATOR,
    as_json: AsJson = False,
) -> None:
    """List the records in quarantine."""
    found: list[dict[str, Any]] = []
    with errors_as_messages():
        for each in [service] if service else get_args(Service):
            records = asyncio.run(_client(each, operator).records(only_open=not everything))
            found += [{"service": each, **record} for record in records]
    if as_json:
        return print_json(found)
    table = Table("service", "N", "since", "reason", "open", Column("record", no_wrap=True), box=None)
    for record in found:
        is_open = "yes" if record["open"] else "no"
        since = record["quarantined_at"][:19].replace("T", " ")
        row = record["service"], str(record["number"]), since, record["reason"], is_open, record["record"]
        table.add_row(*row)
    data.print(table if found else "nothing is in quarantine")
    return None


@app.command("show")
def show_command(
    number: Number, service: ServiceOption = "registry", operator: AsOperator = OPERATOR, as_json: AsJson = False
) -> None:
    """Show one record: offset, reason, raw content, and actions of operators."""
    with errors_as_messages():
        found = asyncio.run(_client(service, operator).record(number))
    if as_json:
        return print_json(found)
    for name in ("record", "organisation", "appended_at", "quarantined_at", "reason", "detail", "open"):
        data.print(f"{name:<15}{found[name]}", markup=False)
    for header, content in found["headers"] or ():
        data.print(f"header {header}: {_content_text(content)}", markup=False)
    for part in ("key", "value", "raw"):
        if found[part] is not None:
            data.print(f"{part}: {_content_text(found[part])}", markup=False)
    for each in found["actions"]:
        reason = f", reason: {each['why']}" if each["why"] else ""
        line = f"{each['taken_at'][:19]}  {each['operator']}  {each['action']} → {each['outcome']}{reason}"
        data.print(f"{line}  [{each['detail']}]", markup=False)
    return None


@app.command("retry")
def retry_command(
    number: Number,
    service: ServiceOption = "registry",
    why: Annotated[str, typer.Option(help="Reason, stored with the record: the cause that was fixed.")] = "",
    operator: AsOperator = OPERATOR,
) -> None:
    """Decode and decide the record again. The organisation gets a receipt.

    A submission that was decided meanwhile keeps its outcome.
    """
    _act(number, "retry", service, why, operator)


@app.command("discard")
def discard_command(
    number: Number,
    why: Annotated[str, typer.Option(help="Reason, stored with the record.")],
    service: ServiceOption = "registry",
    operator: AsOperator = OPERATOR,
) -> None:
    """Close the record without deciding it. The record is never deleted."""
    _act(number, "discard", service, why, operator)


def _act(number: int, action: Literal["retry", "discard"], service: Service, why: str, operator: str) -> None:
    with errors_as_messages():
        outcome = asyncio.run(_client(service, operator).act(number, action, why))
    if outcome == "failed":
        exit_with(
            Exit.FAILED,
            f"processing of record {number} still fails; `samenspel quarantine show {number}` shows the error",
        )
    data.print(outcome)


def _client(service: Service, operator: str) -> QuarantineClient:
    profile = Profile.find()
    return QuarantineClient(profile.system(), profile.credential(operator), service)


def _content_text(content: dict[str, str] | None) -> str:
    if content is None:
        return "null"
    return content["text"] if "text" in content else f"base64 {content['base64']}"
