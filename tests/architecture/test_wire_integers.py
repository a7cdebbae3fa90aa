"""Every integer of the wire is bounded when it is read: in models, in parameters, and in texts read as a number."""

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any, Final

import pytest
import samenspel
from fastapi import FastAPI
from samenspel.contracts.values import Model

import services
from tests.architecture.checkout import name, product_files
from tests.architecture.test_json_parsers import ROUTERS

LOWER: Final = {"minimum", "exclusiveMinimum"}
UPPER: Final = {"maximum", "exclusiveMaximum"}
CONVERSIONS: Final = {"int", "float"}
OTHER_NUMBERS: Final = {
    "shared/samenspel/contracts/integers.py": "the reader, after its check of the length",
    "shared/samenspel/contracts/asyncapi.py": "settings of our own topics",
    "shared/samenspel/contracts/catalogue.py": "names of our own aggregates",
    "shared/samenspel/client/access/kafka_lanes.py": "an offset of the Kafka protocol: 64 bits",
    "shared/samenspel/client/access/local_issuer.py": "the clock",
    "shared/samenspel/client/admin/kafka_quotas.py": "a quota of the broker, shown only",
    "shared/samenspel/messaging/inbox/compact_answers.py": "an answer of this service",
    "shared/samenspel/messaging/inbox/quarantine.py": "a row of this service",
    "shared/samenspel/messaging/ingress/deferral_worker.py": "a boolean",
    "shared/samenspel/messaging/kafka/heartbeat.py": "a constant",
    "shared/samenspel/messaging/kafka/journal_batches.py": "the clock",
    "shared/samenspel/messaging/kafka/log_reader.py": "an offset of the Kafka protocol: 64 bits",
    "shared/samenspel/messaging/kafka/record_batches.py": "a length of the Kafka protocol: 32 bits",
    "shared/samenspel/messaging/outbox/reconciliation.py": "a row of this service",
    "shared/samenspel/runtime/issuer_keys.py": "infinity",
    "shared/samenspel/runtime/write_together.py": "the number of a parameter in a statement of this service",
    "services/notifier/domain/retry.py": "Retry-After of a receiver: cut off, and limited by the schedule",
    "services/notifier/endpoints/signing.py": "the clock",
}
"""Product files with a conversion to a number, with the origin of the value."""


def models() -> list[type[Model]]:
    """All models on the wire."""
    for package in (samenspel, services):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__"):
                importlib.import_module(found.name)
    return sorted(_subclasses(Model), key=lambda each: (each.__module__, each.__name__))


def _subclasses(model: type[Model]) -> set[type[Model]]:
    below = {each for each in model.__subclasses__() if each.__module__.startswith(("samenspel", "services"))}
    return below | {each for inner in below for each in _subclasses(inner)}


def unbounded(schema: Any, place: str = "") -> Iterator[str]:
    """Places of numbers without a lower or an upper bound in a JSON Schema or an OpenAPI document."""
    if isinstance(schema, list):
        for number, each in enumerate(schema):
            yield from unbounded(each, f"{place}/{number}")
    if not isinstance(schema, dict):
        return
    is_number = schema.get("type") in ("integer", "number") and not schema.keys() & {"const", "enum"}
    if is_number and not (schema.keys() & LOWER and schema.keys() & UPPER):
        yield place
    for key, each in schema.items():
        yield from unbounded(each, f"{place}/{key}")


def test_every_integer_of_a_model_is_bounded() -> None:
    found = models()
    assert len(found) > 40
    assert {f"{each.__name__}{place}" for each in found for place in unbounded(each.model_json_schema())} == set()


@pytest.mark.parametrize("router", ROUTERS)
def test_every_number_in_a_request_is_bounded(router: str) -> None:
    app = FastAPI()
    app.include_router(ROUTERS[router])
    for path, methods in app.openapi()["paths"].items():
        for method, operation in methods.items():
            asked = {part: operation.get(part) for part in ("parameters", "requestBody")}
            assert list(unbounded(asked)) == [], (method, path)


def test_numbers_in_texts_are_read_with_bounds_or_with_a_reason() -> None:
    """`samenspel.contracts.integers` reads numbers of others; hexadecimal digests have a length of their own."""
    files = {name(path): path for path in product_files() if not name(path).startswith("deploy/")}
    assert {file for file, path in files.items() if any(_conversions(path.read_text()))} == set(OTHER_NUMBERS)


def _conversions(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            continue
        converts = node.func.id in CONVERSIONS and len(node.args) == 1
        if converts or (node.func.id == "map" and ast.unparse(node.args[0]) in CONVERSIONS):
            yield ast.unparse(node)


def test_the_next_unbounded_number_would_be_found() -> None:
    class Next(Model):
        number: int
        bounded: bool = True

    assert list(unbounded(Next.model_json_schema())) == ["/properties/number"]
    assert list(_conversions("a = int(text); b = list(map(int, texts)); c = int(digest, 16)")) == [
        "int(text)",
        "map(int, texts)",
    ]
