"""``samenspel catalogue``: event types with meaning, schema and example."""

from typing import Annotated, Any

import orjson
import typer

from samenspel.cli.console import (
    Exit,
    TextTable,
    errors_as_messages,
    exit_with,
    print_json,
    print_json_line,
    print_line,
    print_table,
)
from samenspel.cli.options import AsJson
from samenspel.client.submit.statements import full_type
from samenspel.contracts.catalogue import (
    AGGREGATES,
    EVENT_TYPES,
    SCHEMA_BASE,
    SUBMISSIONS,
    EventType,
    SubmissionType,
    event_types_named,
)
from samenspel.contracts.jsonschema import schemas


def catalogue(
    kind: Annotated[
        str | None, typer.Argument(metavar="TYPE", help="Event type, short or full name, or an aggregate.")
    ] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Show the JSON Schema (2020-12) of the data.")] = False,
    example: Annotated[bool, typer.Option("--example", help="Show an example line for `samenspel emit`.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the types of submissions and canonical events, and their schemas and examples."""
    with errors_as_messages():
        if kind is None:
            return _show_all(as_json)
        found = SUBMISSIONS.get(full_type(kind)), EVENT_TYPES.get(next(iter(event_types_named(kind)), ""))
        if kind in AGGREGATES:
            return print_json(_document(AGGREGATES[kind].schema_uri))
        if found == (None, None):
            exit_with(Exit.USAGE, f"{kind} is not a type or an aggregate; `samenspel catalogue` lists them")
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
                "facts": [_event(each) for each in EVENT_TYPES.values()],
                "aggregates": [
                    {"name": each.name, "topic": each.topic, "meaning": each.meaning} for each in AGGREGATES.values()
                ],
            }
        )
    table = TextTable("type", "domain", "meaning", title="Submissions", title_justify="left")
    for each in SUBMISSIONS.values():
        table.add_row(_short(each.name), each.domain, _meaning(each))
    print_table(table)
    events = TextTable("type", "aggregate", "meaning", title="\nCanonical events", title_justify="left")
    for event in EVENT_TYPES.values():
        events.add_row(_short(event.name), event.aggregate.name, event.meaning)
    print_table(events)
    return None


def _show_one(submission: SubmissionType | None, event: EventType | None, *, as_json: bool) -> None:
    if as_json:
        return print_json({"submission": submission and _submission(submission), "fact": event and _event(event)})
    if submission:
        print_line(f"{submission.name} (submission, domain {submission.domain})")
        print_line(f"  {_meaning(submission)}")
        print_line(f"  subject: {submission.subject_field}; leads to: {', '.join(map(_short, submission.leads_to))}")
    if event:
        print_line(f"{event.name} (canonical, on {event.aggregate.topic})")
        print_line(f"  {event.meaning}")
        print_line(f"  data: the whole state of {event.aggregate.name} after the event")
    return None


def _show_example(kind: str, submission: SubmissionType | None) -> None:
    if submission is None:
        exit_with(
            Exit.USAGE,
            f"{kind} is a canonical event and cannot be submitted; `samenspel catalogue` lists the submissions",
        )
    print_json_line(orjson.dumps({"type": _short(submission.name), "data": dict(submission.example)}))


def _schema_of(submission: SubmissionType | None, event: EventType | None) -> dict[str, Any]:
    """Schema of the submission when the type can be submitted, else of the aggregate state in the event."""
    if submission is not None:
        return _document(submission.schema_uri)
    assert event is not None
    return _document(event.aggregate.schema_uri)


def _document(uri: str) -> dict[str, Any]:
    """Published schema with this URI."""
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


def _event(each: EventType) -> dict[str, Any]:
    return {
        "type": each.name,
        "aggregate": each.aggregate.name,
        "topic": each.aggregate.topic,
        "meaning": each.meaning,
        "schema": each.aggregate.schema_uri,
    }


def _meaning(each: SubmissionType) -> str:
    """Meaning of the submission, or of the first canonical event when the submission has no text."""
    return each.meaning or EVENT_TYPES[each.leads_to[0]].meaning


def _short(name: str) -> str:
    return name.split(".")[2]
