"""Valid submissions to start from: CloudEvents as plain dictionaries, each with new ids."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import orjson
from samenspel.contracts.catalogue import type_name
from samenspel.contracts.examples import EXAMPLES

Event = dict[str, Any]
"""A CloudEvent in the JSON format: attributes, and ``data``."""


def new_id() -> str:
    return str(uuid4())


def event(source: str, fact: str, data: Mapping[str, Any], **attributes: Any) -> Event:
    """A CloudEvent of type ``nl.samenspel.<fact>.v1`` with a new id."""
    return {
        "specversion": "1.0",
        "id": new_id(),
        "source": source,
        "type": type_name(fact),
        "data": dict(data),
        **attributes,
    }


def initiative(**changes: Any) -> dict[str, Any]:
    """Data of an ``initiative-registered`` with a new id."""
    return {**EXAMPLES["initiative-registered"], "initiative_id": new_id(), **changes}


def binary(submitted: Event) -> tuple[list[tuple[str, bytes]], bytes]:
    """Kafka headers and value of an event in binary mode."""
    headers = [(f"ce_{name}", str(value).encode()) for name, value in submitted.items() if name != "data"]
    return [*headers, ("content-type", b"application/json")], orjson.dumps(submitted.get("data"))
