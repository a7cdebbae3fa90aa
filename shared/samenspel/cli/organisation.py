"""``samenspel organisation admit | list``: admits and lists organisations."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, get_args

import orjson
import typer
from pydantic import ValidationError
from rich.table import Column

from samenspel.cli.console import (
    Exit,
    TextTable,
    errors_as_messages,
    exit_with,
    messages,
    plain,
    print_json,
    print_line,
    print_table,
)
from samenspel.cli.options import AsJson
from samenspel.client.access.profile import Profile
from samenspel.client.admin.admission import admit
from samenspel.client.admin.organisations import list_organisations
from samenspel.client.submit.json_lines import BadLines, Entry, read_entries
from samenspel.client.submit.receipts import latest_outcome
from samenspel.contracts.organisations import OPERATOR, Kind, OrganisationAdmitted, Role
from samenspel.contracts.problems import problems_of
from samenspel.contracts.receipts import Answer

app = typer.Typer(no_args_is_help=True, help="Organisations.")


@app.command("admit")
def admit_command(
    file: Annotated[str | None, typer.Argument(help="Organisations as NDJSON, one per line; - reads stdin.")] = None,
    oin: Annotated[str | None, typer.Option(help="OIN (organisatie-identificatienummer), 20 digits.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the organisation.")] = None,
    kind: Annotated[str | None, typer.Option(help=", ".join(get_args(Kind)))] = None,
    network: Annotated[list[str] | None, typer.Option(help="Network of the organisation; needs --since.")] = None,
    since: Annotated[
        list[str] | None, typer.Option(metavar="DATE", help="Start of the membership; one per --network.")
    ] = None,
    cbs_code: Annotated[str | None, typer.Option(help="Municipality code of CBS, such as GM0344.")] = None,
    role: Annotated[list[str] | None, typer.Option(help=", ".join(get_args(Role)))] = None,
    operator: Annotated[str, typer.Option("--as", envvar="SAMENSPEL_AS", help="Operator to act as.")] = OPERATOR,
    as_json: AsJson = False,
) -> None:
    """Admit organisations: Kafka user, rights, topics, quota, token, and the event. Repeating is harmless.

    samenspel organisation admit --oin 00000099000000000344 --name "Gemeente Utrecht" --kind municipality
    --network G4 --since 1995-01-01 --cbs-code GM0344
    """
    with errors_as_messages():
        if file is not None:
            organisations = _checked(read_entries([file]))
        else:
            options = _from_options(oin, name, kind, network, since, cbs_code, role)
            organisations = _checked([Entry("options", options)])
        profile = Profile.find()
        with messages.status("admitting") as status:
            answers = asyncio.run(
                admit(profile, organisations, operator=operator, progress=lambda text: status.update(plain(text)))
            )
    _show(organisations, answers, as_json)
    if any(latest_outcome(answer) != "accepted" for answer in answers):
        raise typer.Exit(Exit.FAILED)


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """List the admitted organisations."""
    with errors_as_messages():
        profile = Profile.find()
        found = asyncio.run(list_organisations(profile.system(), profile.any_credential()))
    if as_json:
        return print_json(found)
    table = TextTable(Column("OIN", no_wrap=True), "name", "kind", "networks", "roles")
    for each in found:
        networks = ", ".join(membership["network"] for membership in each.get("memberships", ()))
        table.add_row(each["oin"], each["name"], each["kind"], networks, ", ".join(each.get("roles", ())))
    print_table(table)
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
        exit_with(Exit.USAGE, "give a FILE, or --oin, --name and --kind; see `samenspel organisation admit --help`")
    if len(networks) != len(dates):
        exit_with(Exit.USAGE, "give one --since for each --network")
    memberships = [{"network": each, "period": {"start": day}} for each, day in zip(networks, dates, strict=True)]
    optional = {"memberships": memberships, "cbs_code": cbs_code, "roles": list(role or ())}
    return {"oin": oin, "name": name, "kind": kind, **{key: value for key, value in optional.items() if value}}


def _checked(entries: Sequence[Entry]) -> list[OrganisationAdmitted]:
    """One organisation per entry. Raises BadLines with the problems of all entries."""
    organisations: list[OrganisationAdmitted] = []
    problems: list[str] = []
    for entry in entries:
        try:
            organisations.append(OrganisationAdmitted.model_validate_json(_json(entry.value)))
        except ValidationError as error:
            problems += [f"{entry.position}: {problem.field}: {problem.detail}" for problem in problems_of(error)]
    if problems:
        raise BadLines(problems)
    return organisations


def _json(value: dict[str, Any]) -> bytes:
    """JSON text: strict models read a date only from text."""
    return orjson.dumps(value)


def _show(organisations: Sequence[OrganisationAdmitted], answers: Sequence[Answer], as_json: bool) -> None:
    if as_json:
        return print_json(
            [{"oin": each.oin, "answer": answer} for each, answer in zip(organisations, answers, strict=True)]
        )
    for each, answer in zip(organisations, answers, strict=True):
        print_line(f"{each.name} ({each.oin}): {_outcome_text(answer)}")
    return None


def _outcome_text(answer: Answer) -> str:
    if latest_outcome(answer) == "accepted":
        return "admitted" if answer.outcome == "accepted" else "admitted before"
    if any(problem.code == "already-exists" for problem in answer.problems):
        return "admitted before with other content: submit the change as organisation-changed"
    return "; ".join(f"{problem.detail}. {problem.fix}" for problem in answer.problems) or answer.outcome
