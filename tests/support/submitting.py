"""The two entry points, as used by an organisation: HTTP and Kafka."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson
from aiokafka import AIOKafkaProducer
from samenspel.contracts.topics import DOMAIN_OF, Domain, Service, ingress

from tests.support.events import Event, binary

if TYPE_CHECKING:
    from tests.support.organisations import Organisation

Headers = Sequence[tuple[str, bytes | None]]
Record = tuple[Headers, bytes | None]
"""Headers and value of a Kafka record, as raw as needed by a test."""
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"


@dataclass(frozen=True, slots=True)
class Answer:
    """The HTTP answer."""

    status: int
    body: Any

    @property
    def outcome(self) -> str:
        """As in a receipt: a problem+json with errors is *rejected*."""
        return "rejected" if "errors" in self.body else str(self.body.get("outcome"))

    @property
    def problems(self) -> list[dict[str, str]]:
        """The problems of a rejection."""
        found: list[dict[str, str]] = self.body.get("errors") or self.body.get("problems") or []
        return found

    @property
    def codes(self) -> set[str]:
        return {problem["code"] for problem in self.problems}


async def post(organisation: "Organisation", service: Service, event: Event) -> Answer:
    """An event over HTTP, in structured mode."""
    return await post_raw(organisation, service, orjson.dumps(event), {"content-type": STRUCTURED})


async def post_batch(organisation: "Organisation", service: Service, events: Sequence[Event]) -> list[dict[str, Any]]:
    """A batch over HTTP; returns the answers in order."""
    answer = await post_raw(organisation, service, orjson.dumps(events), {"content-type": BATCH})
    assert answer.status == 200, answer
    answers: list[dict[str, Any]] = answer.body
    return answers


async def post_raw(organisation: "Organisation", service: Service, body: bytes, headers: dict[str, str]) -> Answer:
    """Any bytes to ``POST /v1/events``, with the organisation's token unless ``headers`` bring another."""
    url = f"{organisation.system.services.urls()[service]}/v1/events"
    authorised = {"authorization": f"Bearer {organisation.credential.token}", **headers}
    timeout = aiohttp.ClientTimeout(total=30)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.post(url, data=body, headers=authorised) as response,
    ):
        return Answer(response.status, orjson.loads(await response.read()))


async def send(organisation: "Organisation", events: Sequence[Event], domain: Domain = "initiatives") -> None:
    """Events over Kafka, in binary mode, in this order."""
    await send_raw(organisation, [binary(event) for event in events], domain)


async def send_raw(organisation: "Organisation", records: Sequence[Record], domain: Domain = "initiatives") -> None:
    """Any headers and values to the organisation's ingress topic, in this order, acknowledged."""
    async with producer_of(organisation) as producer:
        topic = ingress(domain, organisation.oin)
        acknowledged = [
            # Without a value Kafka requires a key: such a record is a tombstone.
            await producer.send(topic, value=value, key=None if value is not None else b"key", headers=list(headers))
            for headers, value in records
        ]
        for each in acknowledged:
            await each


@asynccontextmanager
async def producer_of(organisation: "Organisation") -> AsyncIterator[AIOKafkaProducer]:
    """The organisation's own producer."""
    producer = AIOKafkaProducer(**organisation.kafka, acks="all", enable_idempotence=True, linger_ms=5)
    try:
        await producer.start()
        yield producer
    finally:
        await producer.stop()


def service_of(domain: Domain) -> Service:
    return next(service for service, served in DOMAIN_OF.items() if served == domain)
