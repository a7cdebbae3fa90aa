"""Every entry point of a submission, without broker, database or server: from raw bytes to outcome and problems.

The decoding code is the product's own, from the record batch, the ASGI request or the file of the CLI on. Only the
decision is replaced: every readable submission is accepted.
"""

import asyncio
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final
from urllib.parse import quote

import orjson
from aiokafka import ConsumerRecord
from samenspel.cli import emit
from samenspel.client.submit.json_lines import read_values
from samenspel.client.submit.statements import envelope_of
from samenspel.contracts.catalogue import SUBMISSIONS
from samenspel.contracts.submissions import Submission
from samenspel.contracts.topics import ingress
from samenspel.messaging.inbox import answers
from samenspel.messaging.inbox.answers import Incoming, RenderedAnswer
from samenspel.messaging.ingress import decoding
from samenspel.messaging.ingress.http_api import event_router
from samenspel.messaging.kafka.record_batches import SafeMemoryRecords
from samenspel.runtime.concurrency_limit import ConcurrencyLimit
from samenspel.runtime.limits import HTTP_SUBMISSIONS

from tests.support.asgi import Reply, ask
from tests.support.http_router import app_with
from tests.support.record_batches import RawRecord, batch_of

OIN: Final = "00000099000000000344"
NOON: Final = datetime(2026, 11, 24, 12, tzinfo=UTC)
TOPIC: Final = ingress("initiatives", OIN)
STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"


@dataclass(frozen=True, slots=True)
class Sent:
    """A submission: attributes, and the exact text of the data. ``content_type`` is that of the data."""

    attributes: Mapping[str, str]
    data: bytes
    content_type: str = "application/json"

    @property
    def structured(self) -> bytes:
        """The JSON event; without attributes the data is the only member."""
        members = orjson.dumps({**self.attributes, "datacontenttype": self.content_type})[:-1]
        return members + b',"data":' + self.data + b"}"


@dataclass(frozen=True, slots=True)
class Told:
    """An outcome with its problems as ``(code, field)``, and the fixes."""

    outcome: str
    problems: frozenset[tuple[str, str]]
    fixes: tuple[str, ...]


def told(problems: Sequence[Any]) -> Told:
    found = [each if isinstance(each, Mapping) else each.model_dump() for each in problems]
    named = frozenset((each["code"], each["field"]) for each in found)
    return Told("rejected" if found else "accepted", named, tuple(each["fix"] for each in found))


def over_kafka(record: RawRecord) -> Told:
    [read] = SafeMemoryRecords(batch_of([record])).next_batch()
    given = ConsumerRecord(TOPIC, 0, read.offset, 0, 1, read.key, read.value, None, 0, 0, tuple(read.headers))
    return told(getattr(decoding.decode(given, SUBMISSIONS), "problems", ()))


def kafka_binary(sent: Sent) -> Told:
    headers = [(f"ce_{name}".encode(), value.encode()) for name, value in sent.attributes.items()]
    return over_kafka(RawRecord(sent.data, [*headers, (b"content-type", sent.content_type.encode())]))


def kafka_structured(sent: Sent) -> Told:
    return over_kafka(RawRecord(sent.structured, [(b"content-type", STRUCTURED.encode())]))


def http_binary(sent: Sent) -> Told:
    headers = {f"ce-{name}": quote(value) for name, value in sent.attributes.items()}
    return over_http({**headers, "content-type": sent.content_type}, sent.data)[0]


def http_structured(sent: Sent) -> Told:
    return over_http({"content-type": STRUCTURED}, sent.structured)[0]


def http_batch(sent: Sent) -> Told:
    """The submission between two valid ones, which are accepted."""
    good = orjson.dumps({"specversion": "1.0", "id": "1", "source": f"urn:nld:oin:{OIN}", **GOOD})
    before, between, after = over_http(
        {"content-type": BATCH}, b",".join([b"[" + good, sent.structured, good + b"]"])
    )
    assert before.outcome == after.outcome == "accepted"
    return between


def over_http(headers: Mapping[str, str], body: bytes) -> list[Told]:
    reply = reply_to(headers, body)
    answered = reply.json if isinstance(reply.json, list) else [reply.json]
    return [told(each.get("errors") or each.get("problems") or ()) for each in answered]


def reply_to(headers: Mapping[str, str], body: bytes) -> Reply:
    return asyncio.run(ask(_app(), "POST", "/v1/events", headers=headers, body=body))


def cli(sent: Sent) -> Told:
    """``samenspel emit --check`` of a file."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        Path(file.name).write_bytes(sent.structured)
        [entry] = read_values([file.name])
    return told(emit._problems_in(envelope_of(OIN, entry.value, entry.problems), OIN))


GOOD: Final = {
    "type": "nl.samenspel.initiative-stopped.v1",
    "data": {"initiative_id": "0f8f6a52-9d3e-4c57-9a61-0d7b1c0a4e10", "based_on_version": 1, "reason": "Klaar."},
}
ENTRY_POINTS: Final[Mapping[str, Callable[[Sent], Told]]] = {
    each.__name__: each for each in (kafka_binary, kafka_structured, http_binary, http_structured, http_batch, cli)
}


async def _organisation() -> str:
    return OIN


class _Submitter:
    """Accepts every readable submission, and refuses every other one with its problems."""

    turns = ConcurrencyLimit(HTTP_SUBMISSIONS, 1, 30)
    processor = SimpleNamespace(decider=SimpleNamespace(types=SUBMISSIONS), clock=lambda: NOON)

    async def require_storage(self, organisation: str) -> None:
        """The storage budget is not used."""

    async def submit(self, organisation: str, incoming: Sequence[Incoming], size: int) -> list[RenderedAnswer]:
        return [answers.render(each, _decision(each)) for each in incoming]


def _decision(incoming: Incoming) -> answers.Decision:
    if isinstance(incoming, Submission):
        return answers.Accepted([])
    return answers.refused(incoming.problems, incoming.problems_left_out)


@cache
def _app() -> Any:
    submitter: Any = _Submitter()
    return app_with(event_router(submitter, _organisation))
