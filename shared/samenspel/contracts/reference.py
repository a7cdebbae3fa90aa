"""The catalogue as a Markdown page: ``docs/reference/events.md``."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from samenspel.contracts.attributes import CANONICAL, RECEIPT, SUBMISSION, Attribute
from samenspel.contracts.catalogue import (
    AGGREGATES,
    EVENT_TYPES,
    RECEIPT_MODEL,
    SUBMISSIONS,
    Aggregate,
    SubmissionType,
)
from samenspel.contracts.example_states import EXAMPLE_RECEIPT, EXAMPLE_STATES
from samenspel.contracts.problems import CODES
from samenspel.contracts.receipts import RECEIPT_TYPE
from samenspel.contracts.topics import CANONICAL as OWNERS
from samenspel.contracts.topics import DOMAIN_OF, ingress, receipts

_ANY: Final = "<oin>"
_INTRODUCTION: Final = """\
# Events

*Generated from the catalogue by `python -m samenspel.contracts`; do not edit.*

An organisation **submits** an event from its own systems. The owning service decides, answers with a **receipt**, and
**publishes** an accepted change as a canonical event with the whole public state of the aggregate. A submission and
the resulting event may have the same type name; their topics and schemas differ. The schemas are in
`shared/samenspel/contracts/schemas/`, and every service returns them at `GET /v1/schemas/…`. The
[glossary](../glossary.md) explains the terms.
"""


def page() -> str:
    """The whole page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _INTRODUCTION
    yield "## Submissions\n"
    for each in SUBMISSIONS.values():
        yield from _submission(each)
    yield "## Canonical events\n"
    for aggregate in AGGREGATES.values():
        yield from _aggregate(aggregate)
    yield "## Receipts\n"
    yield f"`{RECEIPT_TYPE}`. {_sentences(RECEIPT_MODEL.__doc__)}\n"
    topics = ", ".join(f"`{receipts(domain, _ANY)}`" for domain in DOMAIN_OF.values())
    yield f"Topics: {topics}.\n"
    yield from _example(EXAMPLE_RECEIPT)
    yield "A rejected answer lists all problems of the submission, each with one of these stable codes:\n"
    yield ", ".join(f"`{code}`" for code in CODES) + ".\n"
    yield "## Context attributes\n"
    yield "Header `ce_<name>` in Kafka, header `ce-<name>` over HTTP, member `<name>` of a structured event.\n"
    yield "Record batches on an ingress topic are uncompressed or use gzip; a receipt rejects other codecs.\n"
    for title, attributes in (("a submission", SUBMISSION), ("a canonical event", CANONICAL), ("a receipt", RECEIPT)):
        yield f"### Attributes of {title}\n"
        yield from _attributes(attributes)


def _submission(each: SubmissionType) -> Iterator[str]:
    yield f"### `{each.name}`\n"
    yield f"{_sentences(each.model.__doc__)}\n"
    leads_to = ", ".join(f"`{name}` ({EVENT_TYPES[name].aggregate.name})" for name in each.leads_to)
    yield f"- submitted on `{ingress(each.domain, _ANY)}`, or `POST /v1/events` of the {_service_of(each)}"
    yield f"- subject `{each.subject_field}`, lane key `{each.key_field}`"
    yield f"- may lead to {leads_to}"
    yield f"- schema `{each.schema_uri}`\n"
    yield from _example(each.example)


def _aggregate(aggregate: Aggregate) -> Iterator[str]:
    yield f"### `{aggregate.name}`\n"
    yield f"{aggregate.meaning}. {_sentences(aggregate.model.__doc__)}\n"
    if aggregate.superseded_by:
        yield f"Superseded by `{aggregate.superseded_by}`: new aggregates have that version.\n"
    yield f"- on `{aggregate.topic}`, written by the {OWNERS[aggregate.topic]}"
    yield f"- schema `{aggregate.schema_uri}`\n"
    yield "| type | meaning |\n|---|---|"
    for event_type in EVENT_TYPES.values():
        if event_type.aggregate is aggregate:
            yield f"| `{event_type.name}` | {event_type.meaning} |"
    yield ""
    yield from _example(EXAMPLE_STATES[aggregate.name])


def _attributes(attributes: Iterable[Attribute]) -> Iterator[str]:
    yield "| name | meaning | example |\n|---|---|---|"
    for each in attributes:
        yield f"| `{each.name}`{' (optional)' if each.optional else ''} | {each.meaning} | `{each.example}` |"
    yield ""


def _service_of(each: SubmissionType) -> str:
    return next(service for service, domain in DOMAIN_OF.items() if domain == each.domain)


def _sentences(docstring: str | None) -> str:
    return " ".join((docstring or "").split()).replace("``", "`")


def _example(data: Mapping[str, object]) -> Iterator[str]:
    yield "```json\n" + json.dumps(data, indent=2, ensure_ascii=False) + "\n```\n"
