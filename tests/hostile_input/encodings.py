"""The encodings of an event: Kafka and HTTP, each in binary and in structured mode, and a batch over HTTP."""

from urllib.parse import quote

import orjson

from tests.hostile_input.content import Case, Scene
from tests.support.submitting import BATCH, STRUCTURED, Record

JSON = "application/json"
Request = tuple[dict[str, str], bytes]
"""Headers and body of an HTTP request."""


def kafka_binary(case: Case, scene: Scene) -> Record:
    headers = [(f"ce_{name}", value.encode()) for name, value in case.attributes_in(scene).items()]
    return [*headers, ("content-type", JSON.encode())], case.data(scene)


def kafka_structured(case: Case, scene: Scene) -> Record:
    return [("content-type", STRUCTURED.encode())], _structured(case, scene)


def http_binary(case: Case, scene: Scene) -> Request:
    headers = {f"ce-{name}": quote(value, safe=":/ ") for name, value in case.attributes_in(scene).items()}
    return {**headers, "content-type": JSON}, case.data(scene)


def http_structured(case: Case, scene: Scene) -> Request:
    return {"content-type": STRUCTURED}, _structured(case, scene)


def http_batch(case: Case, scene: Scene) -> Request:
    return {"content-type": BATCH}, b"[" + _structured(case, scene) + b"]"


def _structured(case: Case, scene: Scene) -> bytes:
    attributes = orjson.dumps(case.attributes_in(scene))[:-1]
    return (attributes + b"," if len(attributes) > 1 else attributes) + b'"data":' + case.data(scene) + b"}"
