"""The catalogue as JSON Schemas 2020-12: one per submission type, one per public state, one for receipts.

Schemas of submissions are closed: an unknown field is an error. Schemas of published data are open: a state may gain
fields within a version, and a reader ignores unknown fields.
"""

from collections.abc import Mapping
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from samenspel.contracts.catalogue import (
    AGGREGATES,
    RECEIPT_MODEL,
    RECEIPT_SCHEMA_URI,
    SCHEMA_BASE,
    SUBMISSIONS,
    Aggregate,
)
from samenspel.contracts.example_states import EXAMPLE_RECEIPT, EXAMPLE_STATES
from samenspel.contracts.values import Model

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


class Closed(GenerateJsonSchema):
    """Schemas of submissions, without the field titles that pydantic derives from field names."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


class Open(Closed):
    """Schemas of published data."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        made = super().model_schema(schema)
        made.pop("additionalProperties", None)
        return made


def schemas() -> dict[str, dict[str, Any]]:
    """Every schema by path under ``schemas/``; the same path follows `SCHEMA_BASE` in the schema's address."""
    documents = [
        *(
            _document(each.schema_uri, each.name, each.meaning, each.model, Closed, each.example)
            for each in SUBMISSIONS.values()
        ),
        *(_state_document(each) for each in AGGREGATES.values()),
        _document(
            RECEIPT_SCHEMA_URI, "receipt", (RECEIPT_MODEL.__doc__ or "").strip(), RECEIPT_MODEL, Open, EXAMPLE_RECEIPT
        ),
    ]
    return {document["$id"].removeprefix(SCHEMA_BASE + "/"): document for document in documents}


def _state_document(each: Aggregate) -> dict[str, Any]:
    """Schema of a public state; ``deprecated`` (JSON Schema 2020-12 §9.3) for a superseded version."""
    document = _document(each.schema_uri, each.name, each.meaning, each.model, Open, EXAMPLE_STATES[each.name])
    return {**document, "deprecated": True} if each.superseded_by else document


def _document(
    uri: str,
    title: str,
    description: str,
    model: type[Model],
    generator: type[GenerateJsonSchema],
    example: Mapping[str, object],
) -> dict[str, Any]:
    body = model.model_json_schema(schema_generator=generator)
    head = {"$schema": DIALECT, "$id": uri, "title": title, "description": description}
    return {**head, **{name: part for name, part in body.items() if name not in head}, "examples": [dict(example)]}
