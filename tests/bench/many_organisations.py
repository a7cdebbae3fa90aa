"""Hundreds of organisations against eight: first decisions, instances that join and die, and the cost of being idle.

``ONLY=organisations ORGANISATIONS=350 make bench`` measures this part alone, in five minutes on two idle cores.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

import asyncpg
import psutil
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from samenspel.client.admin.admission import admit
from samenspel.client.admin.kafka_admin import admin_of
from samenspel.client.submit.emit import emit
from samenspel.client.submit.statements import statement
from samenspel.contracts.organisations import OPERATOR, OrganisationAdmitted
from samenspel.contracts.topics import DOMAIN_OF, INITIATIVES, LANES_LOCAL, Service, ingress, topics_of

from tests.bench.harness import (
    ORGANISATIONS,
    POLL_SECONDS,
    READY_SECONDS_MAX,
    Stand,
    event_headers,
    submission,
)
from tests.bench.instances import free_port
from tests.bench.measures import Figure

SERVICES: Final[tuple[Service, ...]] = tuple(DOMAIN_OF)
PER_SECOND: Final = 20
CHUNK: Final = 50
"""Organisations that are admitted together."""
SETTLE_SECONDS: Final = 10.0
IDLE_SECONDS: Final = 20.0
QUIET_SECONDS: Final = 4.0
AFTER_SECONDS: Final = 10.0
"""Time to watch after an instance has joined or died."""
OFFSET: Final = "select next_offset from ingress_offset where topic = $1"


@dataclass(slots=True)
class Measured:
    """Seconds, and cores for ``idle``."""

    first_decision: float = 0.0
    restart: float = 0.0
    join: float = 0.0
    kill: float = 0.0
    idle: dict[str, float] = field(default_factory=dict)


GOALS: Final = {"first_decision": 2.0, "restart": 5.0, "join": 3.0, "kill": 6.0}
NAMES: Final = {
    "first_decision": "first decision of a new organisation",
    "restart": "first decision after a restart of all services",
    "join": "longest wait when a second instance joins",
    "kill": "longest wait when an instance is killed",
}
IDLE_CORES_MAX: Final = 0.25


def many_organisations(made: Stand, number: int) -> list[Figure]:
    """Measure with eight organisations, admit the others, and measure again."""
    few = asyncio.run(_measure(made, ORGANISATIONS, 0))
    with _services(made):
        oins = asyncio.run(_admit(made, number))
    many = asyncio.run(_measure(made, oins, 1))
    return _figures(f"{number} organisations", many, few)


def _figures(what: str, many: Measured, few: Measured) -> list[Figure]:
    figures = []
    for name, goal in GOALS.items():
        value, floor = getattr(many, name), getattr(few, name)
        text = f"{what}: {NAMES[name]}"
        figures.append(Figure(text, value, "s", floor, value / floor, f"<= {goal:.0f} s", value <= goal))
    for name, cores in many.idle.items():
        figures.append(Figure(f"{what}: idle, {name}", cores, "cores", few.idle[name], cores / few.idle[name]))
    without = sum(cores for name, cores in many.idle.items() if name != "postgres")
    floor = sum(cores for name, cores in few.idle.items() if name != "postgres")
    goal = f"<= {IDLE_CORES_MAX} cores"
    holds = without <= IDLE_CORES_MAX
    return [
        *figures,
        Figure(f"{what}: idle, Kafka and services", without, "cores", floor, without / floor, goal, holds),
    ]


async def _measure(made: Stand, oins: Sequence[str], run: int) -> Measured:
    measured = Measured()
    async with _sender(made) as send:
        newest = oins[-1]
        await send(newest, f"before-{run}")
        began = time.monotonic()
        with _services(made, ready=False) as processes:
            await _decided(made, newest)
            measured.restart = time.monotonic() - began
            _await_ready(made)
            measured.first_decision = await _first_decision(made, send, run)
            await asyncio.sleep(SETTLE_SECONDS)
            measured.idle = await _idle(made, processes)
            measured.join, measured.kill = await _longest_waits(made, oins, send, run)
    return measured


@contextmanager
def _services(made: Stand, *, ready: bool = True) -> Iterator[dict[str, psutil.Process]]:
    with ExitStack() as running:
        started = {name: running.enter_context(made.process(name, f"services.{name}")) for name in SERVICES}
        if ready:
            _await_ready(made)
        yield {name: psutil.Process(each.pid) for name, each in started.items()}


def _await_ready(made: Stand) -> None:
    for service in SERVICES:
        made.await_ready(service)


async def _admit(made: Stand, number: int) -> list[str]:
    """More organisations, without users: the measurement sends with the operator's rights."""
    admin = admin_of(made.system.profile)
    oins = [f"0000009900000009{index:04d}" for index in range(number - len(ORGANISATIONS))]
    for first in range(0, len(oins), CHUNK):
        chunk = oins[first : first + CHUNK]
        data = [{"oin": oin, "name": f"Gemeente {oin[-4:]}", "kind": "municipality"} for oin in chunk]
        statements = [statement(OPERATOR, "organisation-admitted", dict(each)) for each in data]
        await emit(made.system.profile, OPERATOR, statements, via="http")
        await asyncio.to_thread(admin.ensure_topics, [topic for oin in chunk for topic in topics_of(oin)])
    return [*ORGANISATIONS, *oins]


class Sender:
    """Sends new initiatives to the ingress of organisations; ``sent`` has the time of each initiative."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self._number = 0
        self._run = int(time.time()) % 1_000_000
        self.sent: dict[str, float] = {}

    async def __call__(self, oin: str, name: str) -> None:
        self._number += 1
        value, key = submission(self._number, self._run, 1 << 40)
        headers = event_headers(oin, f"{self._run}-{name}-{self._number}", "registered")
        await self._producer.send_and_wait(ingress("initiatives", oin), value, key=key.encode(), headers=headers)
        self.sent[key] = time.monotonic()


@asynccontextmanager
async def _sender(made: Stand) -> AsyncIterator[Sender]:
    producer = AIOKafkaProducer(**made.kafka(), acks="all", enable_idempotence=True)
    await producer.start()
    try:
        yield Sender(producer)
    finally:
        await producer.stop()


async def _decided(made: Stand, oin: str) -> None:
    """Wait until the last record of this ingress topic is decided."""
    consumer = AIOKafkaConsumer(**made.kafka(), group_id=None)
    await consumer.start()
    connection = await asyncpg.connect(made.system.databases.dsn_with_password("registry"))
    try:
        topic = ingress("initiatives", oin)
        end = (await consumer.end_offsets([TopicPartition(topic, 0)]))[TopicPartition(topic, 0)]
        deadline = time.monotonic() + READY_SECONDS_MAX
        while (await connection.fetchval(OFFSET, topic) or 0) < end:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{topic} was not decided")
            await asyncio.sleep(POLL_SECONDS)
    finally:
        await connection.close()
        await consumer.stop()


async def _first_decision(made: Stand, send: Sender, run: int) -> float:
    """Seconds from the end of an admission until the first decision for the organisation."""
    oin = f"00000099000000070{run:03d}"
    admitted = OrganisationAdmitted(oin=oin, name=f"Gemeente {run}", kind="municipality")
    await admit(made.system.profile, [admitted])
    began = time.monotonic()
    await send(oin, f"first-{run}")
    await _decided(made, oin)
    return time.monotonic() - began


async def _idle(made: Stand, processes: dict[str, psutil.Process]) -> dict[str, float]:
    """Cores that Kafka, PostgreSQL and each service use without any load."""
    daemons = {"kafka": made.system.kafka.daemon.process(), "postgres": made.system.postgres.daemon.process()}
    watched = {**{name: each for name, each in daemons.items() if each is not None}, **processes}
    before = {name: _cpu_seconds(process) for name, process in watched.items()}
    await asyncio.sleep(IDLE_SECONDS)
    return {name: (_cpu_seconds(process) - before[name]) / IDLE_SECONDS for name, process in watched.items()}


def _cpu_seconds(process: psutil.Process) -> float:
    seconds = 0.0
    for each in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            seconds += sum(each.cpu_times()[:2])
    return seconds


async def _longest_waits(made: Stand, oins: Sequence[str], send: Sender, run: int) -> tuple[float, float]:
    """Longest time from sending to the canonical event, after an instance joins and after its death."""
    watch = Watch(made, send)
    tasks = [asyncio.create_task(watch.run()), asyncio.create_task(_steady(oins, send, run))]
    try:
        await asyncio.sleep(QUIET_SECONDS)
        joined = time.monotonic()
        with made.process("registry", "services.registry", port=free_port()):
            await asyncio.sleep(AFTER_SECONDS)
            killed = time.monotonic()
        await asyncio.sleep(AFTER_SECONDS)
        tasks[1].cancel()
        await asyncio.sleep(QUIET_SECONDS)
        return watch.longest(joined, killed), watch.longest(killed, time.monotonic())
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _steady(oins: Sequence[str], send: Sender, run: int) -> None:
    began, number = time.monotonic(), 0
    while True:
        await asyncio.sleep(max(0.0, began + number / PER_SECOND - time.monotonic()))
        await send(oins[number % len(oins)], f"steady-{run}")
        number += 1


class Watch:
    """The canonical initiatives as they arrive."""

    def __init__(self, made: Stand, send: Sender) -> None:
        self._made = made
        self._send = send
        self._began = time.monotonic()
        self._arrived: dict[str, float] = {}

    async def run(self) -> None:
        consumer = AIOKafkaConsumer(**self._made.kafka(), group_id=None, auto_offset_reset="latest")
        await consumer.start()
        try:
            consumer.assign([TopicPartition(INITIATIVES, lane) for lane in range(LANES_LOCAL)])
            async for record in consumer:
                self._arrived.setdefault(record.key.decode(), time.monotonic())
        finally:
            await consumer.stop()

    def longest(self, start: float, end: float) -> float:
        """Longest wait of the initiatives sent in this time; one that never arrived waits until now."""
        now = time.monotonic()
        waits = [
            self._arrived.get(key, now) - sent
            for key, sent in self._send.sent.items()
            if max(start, self._began + 1) <= sent < end
        ]
        return max(waits)
