"""``samenspel organisation admit | list``: joining, and who has joined."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, get_args

import orjson
import typer
from pydantic import ValidationError
from rich.table import Column, Table

from samenspel.cli.console import Exit, data, end, plainly, print_json, talk
from samenspel.cli.options import AsJson
from samenspel.client.access.profile import Profile
from samenspel.client.admin.admission import admit
from samenspel.client.admin.organisations import list_organisations
from samenspel.client.submit.json_lines import BadLines, Entry, read_entries
from samenspel.client.submit.receipts import outcome_of
from samenspel.contracts.organisations import OPERATOR, Kind, OrganisationAdmitted, Role
from samenspel.contracts.problems import problems_of
from samenspel.contracts.receipts import Answer

app = typer.Typer(no_args_is_help=True, help="Who takes part.")


@app.command("admit")
def admit_command(
    file: Annotated[str | None, typer.Argument(help="Organisations as NDJSON, one per line; - is stdin.")] = None,
    oin: Annotated[str | None, typer.Option(help="Organisatie-identificatienummer, 20 digits.")] = None,
    name: Annotated[str | None, typer.Option()] = None,
    kind: Annotated[str | None, typer.Option(help=", ".join(get_args(Kind)))] = None,
    network: Annotated[list[str] | None, typer.Option(help="A network it belongs to; goes with --since.")] = None,
    since: Annotated[list[str] | None, typer.Option(metavar="DATE", help="Since when, one per --network.")] = None,
    cbs_code: Annotated[str | None, typer.Option(help="GM0344")] = None,
    role: Annotated[list[str] | None, typer.Option(help=", ".join(get_args(Role)))] = None,
    operator: Annotated[str, typer.Option("--as", envvar="SAMENSPEL_AS", help="The operator.")] = OPERATOR,
    as_json: AsJson = False,
) -> None:
    """Admit organisations: user, rights, topics, quota, token, and the event. Repeating it is harmless.

    samenspel organisation admit --oin 00000099000000000344 --name "Gemeente Utrecht" --kind municipality
    --network G4 --since 1995-01-01 --cbs-code GM0344
    """
    with plainly():
        if file is not None:
            stated = _checked(read_entries([file]))
        else:
            stated = _checked([Entry("options", _from_options(oin, name, kind, network, since, cbs_code, role))])
        profile = Profile.find()
        with talk.status("admitting") as status:
            answers = asyncio.run(admit(profile, stated, operator=operator, told=status.update))
    _show(stated, answers, as_json)
    if any(outcome_of(answer) != "accepted" for answer in answers):
        raise typer.Exit(Exit.NO)


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """The organisations that take part, as the registry knows them."""
    with plainly():
        profile = Profile.find()
        found = asyncio.run(list_organisations(profile.system(), profile.anyone()))
    if as_json:
        return print_json(found)
    table = Table(Column("OIN", no_wrap=True), "name", "kind", "networks", "roles", box=None)
    for each in found:
        networks = ", ".join(one["network"] for one in each.get("memberships", ()))
        table.add_row(each["oin"], each["name"], each["kind"], networks, ", ".join(each.get("roles", ())))
    data.print(table)
    return None


def _from_options(
    oin: str | None,
    name: str | None,
    kind: str | None,
    network: Sequence[str] | None,
    since: Sequence[str] | None,
    cbs_code: str | None,
    role: Sequence[str] | None,
) -> dict[str, Any]:
    networks, dates = network or (), since or ()
    if not (oin and name and kind):
        end(Exit.USAGE, "give a FILE, or --oin, --name and --kind; see `samenspel organisation admit --help`")
    if len(networks) != len(dates):
        end(Exit.USAGE, "give each --network its --since")
    memberships = [{"network": each, "period": {"start": day}} for each, day in zip(networks, dates, strict=True)]
    optional = {"memberships": memberships, "cbs_code": cbs_code, "roles": list(role or ())}
    return {"oin": oin, "name": name, "kind": kind, **{key: value for key, value in optional.items() if value}}


def _checked(entries: Sequence[Entry]) -> list[OrganisationAdmitted]:
    """All of them, or BadLines with everything that is wrong with any."""
    stated: list[OrganisationAdmitted] = []
    problems: list[str] = []
    for entry in entries:
        try:
            stated.append(OrganisationAdmitted.model_validate_json(_json(entry.value)))
        except ValidationError as error:
            problems += [f"{entry.place}: {problem.field}: {problem.detail}" for problem in problems_of(error)]
    if problems:
        raise BadLines(problems)
    return stated


def _json(value: dict[str, Any]) -> bytes:
    """Strict models take a date from JSON text only."""
    return orjson.dumps(value)


def _show(stated: Sequence[OrganisationAdmitted], answers: Sequence[Answer], as_json: bool) -> None:
    if as_json:
        return print_json([{"oin": each.oin, "answer": answer} for each, answer in zip(stated, answers, strict=True)])
    for each, answer in zip(stated, answers, strict=True):
        data.print(f"{each.name} ({each.oin}): {_said(answer)}", markup=False)
    return None


def _said(answer: Answer) -> str:
    if outcome_of(answer) == "accepted":
        return "admitted" if answer.outcome == "accepted" else "was admitted before"
    if any(problem.code == "already-exists" for problem in answer.problems):
        return "takes part already, with other content: state what has changed with organisation-changed"
    return "; ".join(f"{problem.detail}. {problem.fix}" for problem in answer.problems) or answer.outcome
