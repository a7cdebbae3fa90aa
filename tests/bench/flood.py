"""One organisation that floods, in a process of its own: ``python -m tests.bench.flood KIND``.

The environment variable ``FLOOD`` holds the addresses and the credential as JSON. The clients repeat their requests
without a pause, whatever the answer is, until the process is killed.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import aiohttp
import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from samenspel.contracts.catalogue import type_name
from samenspel.contracts.topics import ingress

from tests.support.events import event, initiative
from tests.support.webhook_receivers import hangs, receiving

VARIABLE: Final = "FLOOD"
CLIENTS: Final = 64
RETRY_SECONDS: Final = 0.5
EVENTS: Final = 20
"""Per batch over HTTP."""
BATCH: Final = "application/cloudevents-batch+json"


@dataclass(frozen=True, slots=True)
class Flooder:
    """The flooding organisation; ``kafka`` holds aiokafka's settings of its own user.

    ``pause_seconds`` is the time between two requests of one of the ``clients``.
    """

    oin: str
    token: str
    registry: str
    notifier: str
    kafka: dict[str, Any]
    clients: int = CLIENTS
    pause_seconds: float = 0

    @property
    def source(self) -> str:
        return f"urn:nld:oin:{self.oin}:systeem:flood"


async def reads(flooder: Flooder, session: aiohttp.ClientSession) -> None:
    await _answered(session.get(f"{flooder.registry}/v1/initiatives"))


async def submissions(flooder: Flooder, session: aiohttp.ClientSession) -> None:
    events = [event(flooder.source, "initiative-registered", initiative()) for _ in range(EVENTS)]
    body = orjson.dumps(events)
    await _answered(session.post(f"{flooder.registry}/v1/events", data=body, headers={"content-type": BATCH}))


async def refusals(flooder: Flooder, session: aiohttp.ClientSession) -> None:
    events = [event(flooder.source, "initiative-registered", {"theme": "war"}) for _ in range(EVENTS)]
    body = orjson.dumps(events)
    await _answered(session.post(f"{flooder.registry}/v1/events", data=body, headers={"content-type": BATCH}))


async def long_polls(flooder: Flooder, session: aiohttp.ClientSession) -> None:
    await _answered(session.get(f"{flooder.notifier}/v1/feed?limit=1000&waitSeconds=600"))


async def feed_pages(flooder: Flooder, session: aiohttp.ClientSession) -> None:
    await _answered(session.get(f"{flooder.notifier}/v1/feed?limit=1000"))


async def _answered(request: Any) -> None:
    async with request as response:
        await response.read()


Client = Callable[[Flooder, aiohttp.ClientSession], Awaitable[None]]
OVER_HTTP: Final[dict[str, Client]] = {
    "reads": reads,
    "submissions": submissions,
    "refusals": refusals,
    "long-polls": long_polls,
    "feed-pages": feed_pages,
}


async def _retried(attempt: Callable[[], Awaitable[None]]) -> None:
    """Make one successful attempt, however often the service is killed meanwhile."""
    while True:
        try:
            return await attempt()
        except (aiohttp.ClientError, OSError, TimeoutError):
            await asyncio.sleep(RETRY_SECONDS)


async def flood_over_http(flooder: Flooder, client: Client, clients: int) -> None:
    async def repeat(session: aiohttp.ClientSession) -> None:
        while True:
            await _retried(lambda: client(flooder, session))
            await asyncio.sleep(flooder.pause_seconds)

    headers = {"authorization": f"Bearer {flooder.token}"}
    connector = aiohttp.TCPConnector(limit=clients)
    async with aiohttp.ClientSession(headers=headers, connector=connector) as session:
        await asyncio.gather(*(repeat(session) for _ in range(clients)))


async def flood_over_kafka(flooder: Flooder) -> None:
    """Unreadable records, as fast as the quota of the organisation allows, also after an outage of Kafka."""
    topic = ingress("initiatives", flooder.oin)
    while True:
        producer = AIOKafkaProducer(**flooder.kafka, linger_ms=5)
        try:
            await producer.start()
            while True:
                await producer.send(topic, b"no event" * 10)
                await asyncio.sleep(flooder.pause_seconds)
        except (KafkaError, OSError, TimeoutError):
            await asyncio.sleep(RETRY_SECONDS)
        finally:
            with suppress(KafkaError, OSError, TimeoutError):
                await producer.stop()


async def _subscribe(session: aiohttp.ClientSession, url: str, wanted: dict[str, Any]) -> None:
    await _answered(session.post(url, json=wanted))


async def flood_webhooks(flooder: Flooder) -> None:
    """Subscriptions up to the limit, with receivers that never answer, and events for them."""
    headers = {"authorization": f"Bearer {flooder.token}"}
    async with receiving(hangs) as slow, aiohttp.ClientSession(headers=headers) as session:
        for number in range(30):
            wanted = {"endpoint": f"{slow.url}?{number}", "types": [type_name("initiative-registered")]}
            await _retried(partial(_subscribe, session, f"{flooder.notifier}/v1/subscriptions", wanted))
        await flood_over_http(flooder, refusals if flooder.pause_seconds else submissions, 2)


def main(kind: str) -> None:
    flooder = Flooder(**orjson.loads(os.environ[VARIABLE]))
    if kind in OVER_HTTP:
        asyncio.run(flood_over_http(flooder, OVER_HTTP[kind], flooder.clients))
    else:
        asyncio.run({"kafka": flood_over_kafka, "webhooks": flood_webhooks}[kind](flooder))


if __name__ == "__main__":
    main(sys.argv[1])
