"""Answers to one organisation while another floods: p95 against the p95 without a flood, per kind of flood."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
import orjson
from aiohttp import web
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from samenspel.client.access.profile import Credential
from samenspel.contracts.catalogue import type_name
from samenspel.contracts.topics import ingress, receipts

from tests.bench.flood import OVER_HTTP, VARIABLE
from tests.bench.harness import ORGANISATIONS, Stand
from tests.bench.measures import Figure
from tests.support.events import binary, event, initiative

SAMPLES: Final = 100
SETTLE_SECONDS: Final = 2.0
"""Time from the start of a flood until the first sample."""
RATIO_MAX: Final = 3.0
STRUCTURED: Final = {"content-type": "application/cloudevents+json"}
Act = Callable[[], Awaitable[None]]


def fairness(stand: Stand) -> list[Figure]:
    """One figure per flood and kind of answer to the neighbour."""
    with stand.process("registry", "services.registry"), stand.process("notifier", "services.notifier"):
        for service in ("registry", "notifier"):
            stand.await_ready(service)  # type: ignore[arg-type]  # both are services
        return asyncio.run(_figures(stand))


async def _figures(stand: Stand) -> list[Figure]:
    flooder, neighbour = (stand.system.profile.credential(oin) for oin in ORGANISATIONS[:2])
    figures: list[Figure] = []
    async with neighbour_of(stand, neighbour) as measured:
        acts: dict[str, Act] = {
            "read": measured.read,
            "submission": measured.submit,
            "feed": measured.read_feed,
            "webhook": measured.receive_webhook,
            "submission over Kafka": measured.submit_over_kafka,
        }
        quiet = {name: await p95(act) for name, act in acts.items()}
        for kind, names in FLOODS.items():
            with flood(stand, flooder, kind):
                await asyncio.sleep(SETTLE_SECONDS)
                for name in names:
                    figures.append(_figure(kind, name, await p95(acts[name]), quiet[name]))
    return figures


FLOODS: Final = {
    "reads": ("read", "submission"),
    "submissions": ("read", "submission", "submission over Kafka"),
    "refusals": ("read", "submission"),
    "long-polls": ("feed", "read"),
    "feed-pages": ("feed",),
    "webhooks": ("webhook", "feed"),
    "kafka": ("submission", "submission over Kafka"),
}
assert {*OVER_HTTP, "webhooks", "kafka"} == set(FLOODS)


def _figure(kind: str, name: str, value: float, quiet: float) -> Figure:
    ratio = value / quiet
    return Figure(f"{name}, p95, flood of {kind}", value, "ms", quiet, ratio, "ratio <= 3", ratio <= RATIO_MAX)


async def p95(act: Act, samples: int = SAMPLES) -> float:
    """Milliseconds."""
    taken: list[float] = []
    for _ in range(samples):
        began = time.perf_counter()
        await act()
        taken.append(time.perf_counter() - began)
    return sorted(taken)[len(taken) * 95 // 100] * 1_000


@contextmanager
def flood(stand: Stand, flooder: Credential, kind: str) -> Iterator[None]:
    """The flood, in a process of its own."""
    system = stand.system.profile.system()
    given = {
        "oin": flooder.oin,
        "token": flooder.token,
        "registry": system.http["registry"],
        "notifier": system.http["notifier"],
        "kafka": _kafka_of(stand, flooder),
    }
    environment = {**os.environ, VARIABLE: orjson.dumps(given).decode()}
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.flood", kind], env=environment)
    try:
        yield
        assert process.poll() is None, f"the flood of {kind} has ended"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def _kafka_of(stand: Stand, credential: Credential) -> dict[str, Any]:
    names = {"sasl_plain_username": credential.username, "sasl_plain_password": credential.password}
    return {**stand.kafka(), **names}


@dataclass(slots=True)
class Neighbour:
    """The organisation whose answers are measured."""

    credential: Credential
    registry: str
    notifier: str
    session: aiohttp.ClientSession
    producer: AIOKafkaProducer
    receipts: AIOKafkaConsumer
    told: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    """Subjects of received webhooks."""

    def stated(self) -> dict[str, Any]:
        return event(f"urn:nld:oin:{self.credential.oin}:systeem:bench", "initiative-registered", initiative())

    async def read(self) -> None:
        await self._get(f"{self.registry}/v1/organisations")

    async def read_feed(self) -> None:
        await self._get(f"{self.notifier}/v1/feed?limit=10")

    async def submit(self) -> None:
        await self._submit(self.stated())

    async def receive_webhook(self) -> None:
        stated = self.stated()
        await self._submit(stated)
        while await self.told.get() != stated["data"]["initiative_id"]:
            pass

    async def submit_over_kafka(self) -> None:
        stated = self.stated()
        headers, value = binary(stated)
        await self.producer.send_and_wait(ingress("initiatives", self.credential.oin), value, headers=headers)
        while stated["id"].encode() not in (await self.receipts.getone()).value:
            pass

    async def _get(self, url: str) -> None:
        async with self.session.get(url) as response:
            assert response.status == 200, (response.status, await response.text())
            await response.read()

    async def _submit(self, stated: dict[str, Any]) -> None:
        body = orjson.dumps(stated)
        async with self.session.post(f"{self.registry}/v1/events", data=body, headers=STRUCTURED) as response:
            assert response.status == 200, (response.status, await response.text())
            await response.read()


@asynccontextmanager
async def neighbour_of(stand: Stand, credential: Credential) -> AsyncIterator[Neighbour]:
    system = stand.system.profile.system()
    producer = AIOKafkaProducer(**_kafka_of(stand, credential), acks="all")
    consumer = AIOKafkaConsumer(**_kafka_of(stand, credential), group_id=None, auto_offset_reset="latest")
    await asyncio.gather(producer.start(), consumer.start())
    consumer.assign([TopicPartition(receipts("initiatives", credential.oin), 0)])
    await consumer.seek_to_end()
    headers = {"authorization": f"Bearer {credential.token}"}
    try:
        async with aiohttp.ClientSession(headers=headers) as session:
            http = system.http["registry"], system.http["notifier"]
            made = Neighbour(credential, *http, session, producer, consumer)
            async with _subscribed(made):
                yield made
    finally:
        await producer.stop()
        await consumer.stop()


@asynccontextmanager
async def _subscribed(neighbour: Neighbour) -> AsyncIterator[None]:
    """A webhook of the neighbour for its own initiatives' type."""

    async def receive(request: web.Request) -> web.Response:
        neighbour.told.put_nowait(orjson.loads(await request.read())["subject"])
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/", receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    wanted = {
        "endpoint": f"http://127.0.0.1:{runner.addresses[0][1]}/",
        "types": [type_name("initiative-registered")],
    }
    async with neighbour.session.post(f"{neighbour.notifier}/v1/subscriptions", json=wanted) as response:
        assert response.status == 201, await response.text()
    try:
        yield
    finally:
        await runner.cleanup()
