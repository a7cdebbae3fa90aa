"""``samenspel quarantine list | show | retry | discard``: what could not be read or decided, for the operator."""

import asyncio
from typing import Annotated, Any, Literal, get_args

import typer
from rich.table import Column, Table

from samenspel.cli.console import Exit, data, end, plainly, print_json
from samenspel.cli.options import AsJson, AsOperator
from samenspel.client.access.profile import Profile
from samenspel.client.admin.quarantine import QuarantineClient
from samenspel.contracts.organisations import OPERATOR
from samenspel.contracts.topics import Service

app = typer.Typer(no_args_is_help=True, help="Records that could not be read or decided; for the operator.")

Number = Annotated[int, typer.Argument(metavar="N", help="The record's number, as `list` shows it.")]
Of = Annotated[Service, typer.Option("--service", help="Whose quarantine; each service numbers its own.")]


@app.command("list")
def list_command(
    service: Annotated[Service | None, typer.Option(help="Only this one's; default: all.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Those that were settled too.")] = False,
    operator: AsOperator = OPERATOR,
    as_json: AsJson = False,
) -> None:
    """What lies there and waits for a decision."""
    found: list[dict[str, Any]] = []
    with plainly():
        for each in [service] if service else get_args(Service):
            records = asyncio.run(_of(each, operator).records(only_open=not everything))
            found += [{"service": each, **record} for record in records]
    if as_json:
        return print_json(found)
    table = Table("service", "N", "since", "reason", "open", Column("record", no_wrap=True), box=None)
    for one in found:
        is_open = "yes" if one["open"] else "no"
        since = one["quarantined_at"][:19].replace("T", " ")
        table.add_row(one["service"], str(one["number"]), since, one["reason"], is_open, one["record"])
    data.print(table if found else "nothing is in quarantine")
    return None


@app.command("show")
def show_command(
    number: Number, service: Of = "registry", operator: AsOperator = OPERATOR, as_json: AsJson = False
) -> None:
    """One record: where it lay, why it was set apart, its raw content, and what was done about it."""
    with plainly():
        found = asyncio.run(_of(service, operator).record(number))
    if as_json:
        return print_json(found)
    for name in ("record", "organisation", "appended_at", "quarantined_at", "reason", "detail", "open"):
        data.print(f"{name:<15}{found[name]}", markup=False)
    for header, content in found["headers"] or ():
        data.print(f"header {header}: {_shown(content)}", markup=False)
    for part in ("key", "value", "raw"):
        if found[part] is not None:
            data.print(f"{part}: {_shown(found[part])}", markup=False)
    for each in found["actions"]:
        because = f", because: {each['why']}" if each["why"] else ""
        line = f"{each['taken_at'][:19]}  {each['operator']}  {each['action']} → {each['outcome']}{because}"
        data.print(f"{line}  [{each['detail']}]", markup=False)
    return None


@app.command("retry")
def retry_command(
    number: Number,
    service: Of = "registry",
    why: Annotated[str, typer.Option(help="What was mended.")] = "",
    operator: AsOperator = OPERATOR,
) -> None:
    """Read and decide the record again; its organisation gets a receipt. Harmless when it was decided meanwhile."""
    _act(number, "retry", service, why, operator)


@app.command("discard")
def discard_command(
    number: Number,
    why: Annotated[str, typer.Option(help="The reason; it is kept beside the record.")],
    service: Of = "registry",
    operator: AsOperator = OPERATOR,
) -> None:
    """Settle the record without deciding it. It is never deleted."""
    _act(number, "discard", service, why, operator)


def _act(number: int, action: Literal["retry", "discard"], service: Service, why: str, operator: str) -> None:
    with plainly():
        outcome = asyncio.run(_of(service, operator).act(number, action, why))
    if outcome == "failed":
        end(Exit.NO, f"record {number} breaks still; `samenspel quarantine show {number}` says how")
    data.print(outcome)


def _of(service: Service, operator: str) -> QuarantineClient:
    profile = Profile.find()
    return QuarantineClient(profile.system(), profile.credential(operator), service)


def _shown(content: dict[str, str] | None) -> str:
    if content is None:
        return "null"
    return content["text"] if "text" in content else f"base64 {content['base64']}"
