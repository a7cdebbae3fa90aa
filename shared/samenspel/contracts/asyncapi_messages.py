"""The messages of the AsyncAPI document: one per submission type and per canonical event type, and the receipt."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from samenspel.contracts import attributes
from samenspel.contracts.attributes import example_headers, header_schema
from samenspel.contracts.catalogue import (
    AGGREGATES,
    EVENT_TYPES,
    RECEIPT_MODEL,
    RECEIPT_SCHEMA_URI,
    SUBMISSIONS,
    submissions_of,
)
from samenspel.contracts.example_states import EXAMPLE_RECEIPT, EXAMPLE_STATES
from samenspel.contracts.jsonschema import Closed, Open
from samenspel.contracts.receipts import RECEIPT_TYPE
from samenspel.contracts.topics import Domain
from samenspel.contracts.values import Model

Object = dict[str, Any]
BINDING: Final = "0.5.0"
HEADERS: Final = {
    "submission": attributes.SUBMISSION,
    "canonical": attributes.CANONICAL,
    "receipt": attributes.RECEIPT,
}


def submitted(domain: Domain) -> Iterator[tuple[str, Object]]:
    """Component name and message of each submission type of ``domain``."""
    for each in submissions_of(domain).values():
        message = _message(
            each.name,
            each.meaning,
            "submission",
            {"$ref": _schema_of("submitted", each.model)},
            f"{each.key_field} of the data. Ignored: the service computes the lane from the data",
            example_headers(attributes.SUBMISSION, type=each.name),
            each.example,
        )
        yield f"submitted.{_short(each.name)}", message


def published(topic: str) -> Iterator[tuple[str, Object]]:
    """Component name and message of each canonical event type on ``topic``."""
    for each in EVENT_TYPES.values():
        aggregate = each.aggregate
        if aggregate.topic != topic:
            continue
        values = {"aggregate": aggregate.name, "dataschema": aggregate.schema_uri, "lane": f"{topic}/3"}
        message = _message(
            each.name,
            each.meaning,
            "canonical",
            {"$ref": _schema_of("published", aggregate.model)},
            "The lane key; the lane is its murmur2 modulo the number of partitions",
            example_headers(attributes.CANONICAL, type=each.name, **values),
            EXAMPLE_STATES[aggregate.name],
        )
        yield f"published.{_short(each.name)}", message


def receipt() -> tuple[str, Object]:
    message = _message(
        RECEIPT_TYPE,
        (RECEIPT_MODEL.__doc__ or "").strip(),
        "receipt",
        {"$ref": _schema_of("published", RECEIPT_MODEL)},
        "The organisation's OIN",
        example_headers(attributes.RECEIPT, dataschema=RECEIPT_SCHEMA_URI, type=RECEIPT_TYPE),
        EXAMPLE_RECEIPT,
    )
    return f"published.{_short(RECEIPT_TYPE)}", message


def component_schemas() -> Object:
    """Schemas of headers and payloads, with every definition that these refer to."""
    headers = {f"headers.{kind}": header_schema(carried) for kind, carried in HEADERS.items()}
    stated: list[type[Model]] = [each.model for each in SUBMISSIONS.values()]
    states: list[type[Model]] = [*(each.model for each in AGGREGATES.values()), RECEIPT_MODEL]
    return headers | _definitions("submitted", stated, Closed) | _definitions("published", states, Open)


def _message(
    name: str,
    meaning: str,
    headers: str,
    payload: Object,
    key: str,
    example_of_headers: Mapping[str, str],
    example: Mapping[str, object],
) -> Object:
    message: Object = {
        "name": name,
        "title": name,
        "summary": meaning,
        "headers": {"$ref": f"#/components/schemas/headers.{headers}"},
        "payload": payload,
        "bindings": {"kafka": {"key": {"type": "string", "description": key}, "bindingVersion": BINDING}},
        "examples": [{"headers": dict(example_of_headers), "payload": dict(example)}],
    }
    if headers != "receipt":
        message["correlationId"] = {"location": "$message.header#/ce_correlationid"}
    return message


def _schema_of(kind: str, model: type[Model]) -> str:
    return f"#/components/schemas/{kind}.{model.__name__}"


def _definitions(kind: str, models: Iterable[type[Model]], generator: type[GenerateJsonSchema]) -> Object:
    _, document = models_json_schema(
        [(model, "validation") for model in models],
        schema_generator=generator,
        ref_template=f"#/components/schemas/{kind}.{{model}}",
    )
    return {f"{kind}.{name}": schema for name, schema in document["$defs"].items()}


def _short(name: str) -> str:
    return name.removeprefix("nl.samenspel.")
