"""The catalogue as a page for people: ``docs/reference/events.md``."""

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

*Made from the catalogue by `python -m samenspel.contracts`; do not edit.*

An organisation **submits** what has happened on its side; the owning service decides, answers with a **receipt**,
and **publishes** what became true, with the whole public state of the aggregate after it. A submission and the event
it leads to may bear the same type name: both say what happened. They travel on different topics and have schemas of
their own, under `shared/samenspel/contracts/schemas/`. The words are explained in the [glossary](../glossary.md).
"""


def page() -> str:
    """The whole page, as Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _INTRODUCTION
    yield "## What one may submit\n"
    for each in SUBMISSIONS.values():
        yield from _submission(each)
    yield "## What is published\n"
    for aggregate in AGGREGATES.values():
        yield from _aggregate(aggregate)
    yield "## Receipts\n"
    yield f"`{RECEIPT_TYPE}`. {_sentences(RECEIPT_MODEL.__doc__)}\n"
    topics = ", ".join(f"`{receipts(domain, _ANY)}`" for domain in DOMAIN_OF.values())
    yield f"Topics: {topics}.\n"
    yield from _example(EXAMPLE_RECEIPT)
    yield "A rejected submission names its problems, each with a code that does not change:\n"
    yield ", ".join(f"`{code}`" for code in CODES) + ".\n"
    yield "## Context attributes\n"
    yield "Record batches on an ingress are not compressed, or with gzip; other codecs are refused with a receipt.\n"
    yield "Headers `ce_<name>` in Kafka, `ce-<name>` over HTTP, members of the event in its structured form.\n"
    for title, attributes in (("a submission", SUBMISSION), ("a canonical event", CANONICAL), ("a receipt", RECEIPT)):
        yield f"### Of {title}\n"
        yield from _attributes(attributes)


def _submission(each: SubmissionType) -> Iterator[str]:
    yield f"### `{each.name}`\n"
    yield f"{_sentences(each.meaning)}\n"
    leads_to = ", ".join(f"`{name}` ({EVENT_TYPES[name].aggregate.name})" for name in each.leads_to)
    yield f"- submitted on `{ingress(each.domain, _ANY)}`, or `POST /v1/events` of the {_service_of(each)}"
    yield f"- subject `{each.subject_field}`, lane key `{each.key_field}`"
    yield f"- may lead to {leads_to}"
    yield f"- schema `{each.schema_uri}`\n"
    yield from _example(each.example)


def _aggregate(aggregate: Aggregate) -> Iterator[str]:
    yield f"### `{aggregate.name}`\n"
    yield f"{aggregate.meaning}. {_sentences(aggregate.model.__doc__)}\n"
    yield f"- on `{aggregate.topic}`, written by the {OWNERS[aggregate.topic]}"
    yield f"- schema `{aggregate.schema_uri}`\n"
    yield "| type | it says |\n|---|---|"
    for fact in EVENT_TYPES.values():
        if fact.aggregate is aggregate:
            yield f"| `{fact.name}` | {fact.meaning} |"
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
