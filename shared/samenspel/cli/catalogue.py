"""``samenspel catalogue``: every event type, what it means, its schema, an example."""

import sys
from typing import Annotated, Any

import orjson
import typer
from rich.table import Table

from samenspel.cli.console import Exit, data, end, plainly, print_json
from samenspel.cli.options import AsJson
from samenspel.client.submit.statements import full_type
from samenspel.contracts.catalogue import AGGREGATES, EVENT_TYPES, SCHEMA_BASE, SUBMISSIONS, EventType, SubmissionType
from samenspel.contracts.jsonschema import schemas


def catalogue(
    kind: Annotated[
        str | None, typer.Argument(metavar="TYPE", help="A type, short or full, or an aggregate.")
    ] = None,
    schema: Annotated[bool, typer.Option("--schema", help="The JSON Schema (2020-12) of its data.")] = False,
    example: Annotated[bool, typer.Option("--example", help="A line that `samenspel emit` takes.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what may be submitted, what comes of it, and what that looks like."""
    with plainly():
        if kind is None:
            return _show_all(as_json)
        found = SUBMISSIONS.get(full_type(kind)), EVENT_TYPES.get(full_type(kind))
        if kind in AGGREGATES:
            return print_json(_document(AGGREGATES[kind].schema_uri))
        if found == (None, None):
            end(Exit.USAGE, f"there is no {kind}; `samenspel catalogue` shows what there is")
        if schema:
            return print_json(_schema_of(*found))
        if example:
            return _show_example(kind, found[0])
        return _show_one(*found, as_json=as_json)


def _show_all(as_json: bool) -> None:
    if as_json:
        return print_json(
            {
                "submissions": [_submission(each) for each in SUBMISSIONS.values()],
                "facts": [_fact(each) for each in EVENT_TYPES.values()],
                "aggregates": [
                    {"name": each.name, "topic": each.topic, "meaning": each.meaning} for each in AGGREGATES.values()
                ],
            }
        )
    table = Table("type", "domain", "meaning", title="What you may submit", title_justify="left", box=None)
    for each in SUBMISSIONS.values():
        table.add_row(_short(each.name), each.domain, _meaning(each))
    data.print(table)
    facts = Table("type", "aggregate", "meaning", title="\nWhat comes of it", title_justify="left", box=None)
    for fact in EVENT_TYPES.values():
        facts.add_row(_short(fact.name), fact.aggregate.name, fact.meaning)
    data.print(facts)
    return None


def _show_one(submission: SubmissionType | None, fact: EventType | None, *, as_json: bool) -> None:
    if as_json:
        return print_json({"submission": submission and _submission(submission), "fact": fact and _fact(fact)})
    if submission:
        data.print(
            f"{submission.name} (you submit it, domain {submission.domain})\n  {_meaning(submission)}", markup=False
        )
        data.print(f"  subject: {submission.subject_field}; leads to: {', '.join(map(_short, submission.leads_to))}")
    if fact:
        data.print(f"{fact.name} (canonical, on {fact.aggregate.topic})\n  {fact.meaning}", markup=False)
        data.print(f"  data: the whole state of {fact.aggregate.name} after it")
    return None


def _show_example(kind: str, submission: SubmissionType | None) -> None:
    if submission is None:
        end(Exit.USAGE, f"{kind} is not submitted; it follows from what is")
    line = orjson.dumps({"type": _short(submission.name), "data": dict(submission.example)})
    sys.stdout.write(line.decode() + "\n")


def _schema_of(submission: SubmissionType | None, fact: EventType | None) -> dict[str, Any]:
    """What one submits, when it can be submitted; else the state that the fact carries."""
    if submission is not None:
        return _document(submission.schema_uri)
    assert fact is not None
    return _document(fact.aggregate.schema_uri)


def _document(uri: str) -> dict[str, Any]:
    """The schema as it is served and shipped."""
    return schemas()[uri.removeprefix(SCHEMA_BASE + "/")]


def _submission(each: SubmissionType) -> dict[str, Any]:
    return {
        "type": each.name,
        "domain": each.domain,
        "meaning": _meaning(each),
        "subject": each.subject_field,
        "leads_to": list(each.leads_to),
        "schema": each.schema_uri,
        "example": dict(each.example),
    }


def _fact(each: EventType) -> dict[str, Any]:
    return {
        "type": each.name,
        "aggregate": each.aggregate.name,
        "topic": each.aggregate.topic,
        "meaning": each.meaning,
        "schema": each.aggregate.schema_uri,
    }


def _meaning(each: SubmissionType) -> str:
    """Some submissions have no words of their own; then the fact that they lead to says it."""
    return each.meaning or EVENT_TYPES[each.leads_to[0]].meaning


def _short(name: str) -> str:
    return name.split(".")[2]
