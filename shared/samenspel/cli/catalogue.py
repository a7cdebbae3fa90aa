"""``samenspel catalogue``: what may be submitted, what it leads to, and what it looks like."""

from typing import Annotated, Any

import orjson
import typer
from rich.markup import escape
from rich.table import Table

from samenspel.cli.output import data
from samenspel.client.statements import full_type
from samenspel.contracts.catalogue import FACTS, SUBMISSIONS, SubmissionType


def catalogue(
    kind: Annotated[str | None, typer.Argument(metavar="[TYPE]", help="Short or full.")] = None,
    schema: Annotated[bool, typer.Option(help="Its JSON Schema.")] = False,
    example: Annotated[bool, typer.Option(help="A valid example, as `emit` takes it.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Every event type, its meaning, schema and example."""
    if kind is None:
        _all(as_json=as_json)
        return
    name = full_type(kind)
    if name not in SUBMISSIONS and name not in FACTS:
        raise typer.BadParameter(f"there is no type {name}; `samenspel catalogue` shows all")
    submission = SUBMISSIONS.get(name)
    if example:
        if submission is None:
            raise typer.BadParameter(f"{name} is not submitted; it is what a submission leads to")
        print(orjson.dumps({"type": name, "data": submission.example}).decode())
    elif schema:
        model = submission.model if submission else FACTS[name].aggregate.model
        print(orjson.dumps(model.model_json_schema(), option=orjson.OPT_INDENT_2).decode())
    elif as_json:
        print(orjson.dumps(_described(name), option=orjson.OPT_INDENT_2).decode())
    else:
        _one(name, submission)


def _described(name: str) -> dict[str, Any]:
    described: dict[str, Any] = {"type": name}
    if name in FACTS:
        fact = FACTS[name]
        described |= {"meaning": fact.meaning, "topic": fact.aggregate.topic, "aggregate": fact.aggregate.name}
    if submission := SUBMISSIONS.get(name):
        described["submitted"] = {
            "meaning": submission.meaning,
            "domain": submission.domain,
            "leads_to": submission.leads_to,
            "example": submission.example,
        }
    return described


def _all(*, as_json: bool) -> None:
    names = sorted(FACTS.keys() | SUBMISSIONS.keys())
    if as_json:
        print(orjson.dumps([_described(name) for name in names], option=orjson.OPT_INDENT_2).decode())
        return
    table = Table("type", "submitted in", "canonical on", "meaning")
    for name in names:
        fact, submission = FACTS.get(name), SUBMISSIONS.get(name)
        meaning = fact.meaning if fact else submission.meaning if submission else ""
        topic = fact.aggregate.topic.removeprefix("samenspel.") if fact else ""
        short = name.removeprefix("nl.samenspel.")
        table.add_row(short, submission.domain if submission else "", topic, escape(meaning))
    data.print(table)


def _one(name: str, submission: SubmissionType | None) -> None:
    data.print(f"[bold]{name}[/bold]")
    if fact := FACTS.get(name):
        data.print(escape(f"fact: {fact.meaning}. State {fact.aggregate.name} on {fact.aggregate.topic}."))
    if submission:
        data.print(escape(f"submission in {submission.domain}: {submission.meaning}"))
        data.print(escape(f"leads to: {', '.join(submission.leads_to)}"))
        data.print_json(orjson.dumps(submission.example).decode())
