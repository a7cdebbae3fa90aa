"""``samenspel organisation``: admitting organisations, and who takes part."""

import asyncio
from pathlib import Path
from typing import Annotated, Any
from urllib.request import urlopen

import orjson
import typer
from pydantic import ValidationError
from rich.markup import escape
from rich.table import Table

from samenspel.cli.output import NO, data, talk
from samenspel.client.admission import admit as admit_all
from samenspel.client.profile import Profile
from samenspel.client.surroundings import SurroundingsMissing
from samenspel.contracts.organisations import OrganisationAdmitted
from samenspel.contracts.problems import problems_of
from samenspel.contracts.receipts import Answer

app = typer.Typer(no_args_is_help=True)


@app.command()
def admit(
    file: Annotated[Path | None, typer.Argument(help="One organisation a line, as JSON.")] = None,
    oin: Annotated[str | None, typer.Option(help="20 digits.")] = None,
    name: Annotated[str | None, typer.Option()] = None,
    kind: Annotated[str, typer.Option(help="municipality, ministry, province, region, …")] = "municipality",
    role: Annotated[list[str] | None, typer.Option(help="grant-authority: may open programmes.")] = None,
    network: Annotated[str | None, typer.Option(help="G4 or G40, say; with --since.")] = None,
    since: Annotated[str | None, typer.Option(help="The first day of that membership.")] = None,
    cbs_code: Annotated[str | None, typer.Option(help="GM and four digits.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The registry's answers, one a line.")] = False,
) -> None:
    """Let organisations in: user, rights, topics, token, and the event that tells all. Repeating it is harmless."""
    if file is None and (oin is None or name is None):
        raise typer.BadParameter("name a FILE, or give --oin and --name")
    lines = _lines(file) if file else [_one(oin, name, kind, role, network, since, cbs_code)]
    organisations = _read(lines)
    answers = asyncio.run(admit_all(Profile.find(), organisations, told=lambda step: talk.print(step)))
    for stated, answer in zip(organisations, answers, strict=True):
        _say(stated, answer, as_json=as_json)
    raise typer.Exit(NO if any(answer.outcome == "rejected" for answer in answers) else 0)


@app.command(name="list")
def list_organisations(as_json: Annotated[bool, typer.Option("--json", help="One a line.")] = False) -> None:
    """Who takes part, as the registry says it, in order of OIN."""
    found = _registered(Profile.find().system().http["registry"])
    if as_json:
        for each in found:
            print(orjson.dumps(each).decode())
        return
    table = Table("OIN", "name", "kind", "networks", "roles")
    for each in found:
        networks = ", ".join(one["network"] for one in each.get("memberships", ()))
        table.add_row(each["oin"], escape(each["name"]), each["kind"], networks, ", ".join(each.get("roles", ())))
    data.print(table)


def _one(
    oin: str | None,
    name: str | None,
    kind: str,
    role: list[str] | None,
    network: str | None,
    since: str | None,
    cbs_code: str | None,
) -> bytes:
    if (network is None) != (since is None):
        raise typer.BadParameter("--network and --since go together")
    memberships = [{"network": network, "period": {"start": since}}] if network else []
    stated: dict[str, Any] = {"oin": oin, "name": name, "kind": kind, "memberships": memberships, "roles": role or []}
    if cbs_code:
        stated["cbs_code"] = cbs_code
    return orjson.dumps(stated)


def _lines(file: Path) -> list[bytes]:
    try:
        return [line for line in file.read_bytes().splitlines() if line.strip()]
    except OSError as error:
        raise typer.BadParameter(f"{file}: {error.strerror}") from None


def _read(lines: list[bytes]) -> list[OrganisationAdmitted]:
    organisations, wrong = [], 0
    for number, line in enumerate(lines, 1):
        try:
            organisations.append(OrganisationAdmitted.model_validate_json(line))
        except ValidationError as error:
            wrong += 1
            for problem in problems_of(error):
                talk.print(escape(f"line {number}: {problem.field}: {problem.detail}"))
    if wrong:
        talk.print(f"nobody was admitted: {wrong} of {len(lines)} cannot be read")
        raise typer.Exit(NO)
    return organisations


def _say(stated: OrganisationAdmitted, answer: Answer, *, as_json: bool) -> None:
    if as_json:
        print(answer.model_dump_json(exclude_none=True))
    elif answer.outcome == "rejected":
        reasons = "; ".join(problem.detail for problem in answer.problems)
        data.print(escape(f"{stated.name} ({stated.oin}): rejected: {reasons}"))
    else:
        data.print(escape(f"{stated.name} ({stated.oin}): {answer.outcome}"))


def _registered(registry: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    try:
        while True:
            after = found[-1]["oin"] if found else ""
            with urlopen(f"{registry}/v1/organisations?after={after}", timeout=10) as answer:
                page = orjson.loads(answer.read())["items"]
            if not page:
                return found
            found += page
    except OSError as error:
        raise SurroundingsMissing(f"the registry at {registry} does not answer ({error}): `samenspel up`") from None
