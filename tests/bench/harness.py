"""A system for measurements: an own home, own organisations, and submissions ready in the ingress."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import asyncpg
import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from samenspel.client.admin.admission import admit
from samenspel.contracts.organisations import OrganisationAdmitted
from samenspel.contracts.topics import Domain, Service, ingress

from deploy.local.process import inherited_environment
from deploy.local.services import environment_of
from deploy.local.system import LocalSystem

ORGANISATIONS = [f"000000990000000080{number:02d}" for number in range(8)]
POLL_SECONDS = 0.02
READY_SECONDS_MAX = 60.0


@dataclass(frozen=True, slots=True)
class Stand:
    """A running Kafka and PostgreSQL, without services, and eight organisations with topics and rights."""

    system: LocalSystem

    def kafka(self) -> dict[str, str]:
        """aiokafka's settings for the operator's user, with all rights."""
        admin, access = self.system.profile.admin(), self.system.profile.system().kafka
        return {
            "bootstrap_servers": access.bootstrap,
            "security_protocol": access.security_protocol,
            "sasl_mechanism": access.sasl_mechanism,
            "sasl_plain_username": admin.username,
            "sasl_plain_password": admin.password,
        }

    def environment(self, service: Service) -> dict[str, str]:
        bootstrap = self.system.profile.system().kafka.bootstrap
        return {
            **inherited_environment(),
            **environment_of(service, self.system.home, bootstrap, self.system.databases),
        }

    def reader(self) -> str:
        """The organisation with reading rights."""
        return ORGANISATIONS[0]

    def await_ready(self, service: Service) -> None:
        deadline = time.monotonic() + READY_SECONDS_MAX
        while not self.system.services.is_ready(service):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{service} did not become ready")
            time.sleep(POLL_SECONDS)

    @contextmanager
    def following(self, database: Path) -> Iterator[None]:
        """A following replica in a separate process, with the commit time of each event."""
        environment = {**os.environ, "SAMENSPEL_PROFILE": str(self.system.profile.folder)}
        command = [sys.executable, "-m", "tests.bench.follower", str(database), self.reader()]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(READY_SECONDS_MAX)
            process.stdout.close()

    @contextmanager
    def process(self, service: Service, *command: str, port: int | None = None) -> Iterator[subprocess.Popen[bytes]]:
        """A process with this service's settings, on another ``port`` for further processes; killed at the end."""
        environment = self.environment(service) | ({"SAMENSPEL_HTTP_PORT": str(port)} if port else {})
        log = self.system.home.log(f"bench-{service}").open("ab")
        process = subprocess.Popen([sys.executable, "-m", *command], env=environment, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            log.close()


@contextmanager
def stand(folder: Path) -> Iterator[Stand]:
    system = LocalSystem(folder / "home")
    system.home.make()
    system.services.claim_ports(("registry", "funding", "notifier"))
    system.start(services=())
    try:
        made = Stand(system)
        with made.process("registry", "services.registry"):
            made.await_ready("registry")
            asyncio.run(admit(system.profile, [_organisation(oin) for oin in ORGANISATIONS]))
        yield made
    finally:
        system.remove()


def _organisation(oin: str) -> OrganisationAdmitted:
    return OrganisationAdmitted(oin=oin, name=f"Gemeente {oin[-2:]}", kind="municipality")


def submission(number: int, run: int, subjects: int) -> tuple[bytes, str]:
    """An initiative of about 500 bytes, with the id. ``subjects`` initiatives are new, the rest are changes."""
    initiative = str(UUID(int=(run << 96) + (number % subjects) * 7919 + 1))
    data: dict[str, object] = {
        "initiative_id": initiative,
        "title": f"Slim laadplein voor deelmobiliteit {number}",
        "summary": "Een laadplein met slimme sturing op netcapaciteit, opschaalbaar naar andere steden. " * 3,
        "theme": "mobility",
    }
    if number >= subjects:
        data["based_on_version"] = number // subjects
    else:
        data["phase"] = "pilot"
    return orjson.dumps(data), initiative


async def fill(stand: Stand, domain: Domain, count: int, run: int, subjects: int) -> None:
    """Put submissions into the ingress of every organisation, with separate initiatives per organisation."""
    producer = AIOKafkaProducer(
        **stand.kafka(), acks="all", enable_idempotence=True, linger_ms=5, max_batch_size=262_144
    )
    await producer.start()
    try:
        each, own = count // len(ORGANISATIONS), subjects // len(ORGANISATIONS)
        for index, oin in enumerate(ORGANISATIONS):
            sent = []
            for number in range(each):
                value, key = submission(number, run * 100 + index, own)
                headers = event_headers(oin, f"{run}-{index}-{number}", "registered" if number < own else "changed")
                sent.append(await producer.send(ingress(domain, oin), value, key=key.encode(), headers=headers))
            await asyncio.gather(*sent)
    finally:
        await producer.stop()


def event_headers(oin: str, id: str, kind: str) -> list[tuple[str, bytes]]:
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", id.encode()),
        ("ce_source", f"urn:nld:oin:{oin}:systeem:bench".encode()),
        ("ce_type", f"nl.samenspel.initiative-{kind}.v1".encode()),
        ("ce_time", b"2026-11-24T10:11:12Z"),
        ("content-type", b"application/json"),
    ]


async def steady(stand: Stand, domain: Domain, per_second: int, seconds: int) -> None:
    """New initiatives at an even pace."""
    producer = AIOKafkaProducer(**stand.kafka(), acks="all", enable_idempotence=True)
    await producer.start()
    loop, sent = asyncio.get_running_loop(), []
    began = loop.time()
    try:
        for number in range(per_second * seconds):
            await asyncio.sleep(max(0.0, began + number / per_second - loop.time()))
            oin = ORGANISATIONS[number % len(ORGANISATIONS)]
            value, key = submission(number, 9_900, per_second * seconds)
            headers = event_headers(oin, f"steady-{number}", "registered")
            sent.append(await producer.send(ingress(domain, oin), value, key=key.encode(), headers=headers))
        await asyncio.gather(*sent)
        await asyncio.sleep(2)
    finally:
        await producer.stop()


async def await_number(
    stand: Stand,
    service: Service,
    query: str,
    argument: object,
    least: int,
    seconds: float,
    pause: float = POLL_SECONDS,
) -> None:
    """Wait until the number that ``query`` returns with the argument is at ``least`` so much."""
    connection = await asyncpg.connect(stand.system.databases.dsn_with_password(service))
    try:
        async with asyncio.timeout(seconds):
            number = 0
            while number < least:
                await asyncio.sleep(pause)
                number = await connection.fetchval(query, argument)
    finally:
        await connection.close()


DECIDED = "select coalesce(sum(next_offset), 0) from ingress_offset"


async def rate(
    stand: Stand, service: Service, topic: str, lanes: Sequence[int], count: int, seconds: float, *, warm: int = 0
) -> float:
    """Submissions per second, from the first committed batch until ``count`` events are on ``topic``.

    With ``warm``, timing starts after this number of decisions.
    """
    consumer = AIOKafkaConsumer(**stand.kafka(), group_id=None)
    await consumer.start()
    connection = await asyncpg.connect(stand.system.databases.dsn_with_password(service))
    partitions = [TopicPartition(topic, lane) for lane in lanes]
    try:
        begin = sum((await consumer.end_offsets(partitions)).values())
        async with asyncio.timeout(seconds):
            before = decided = await _decided(connection)
            while decided <= before + warm:
                await asyncio.sleep(POLL_SECONDS)
                decided = await _decided(connection)
            start = time.monotonic()
            there = begin
            while there - begin < count:
                await asyncio.sleep(POLL_SECONDS)
                there = sum((await consumer.end_offsets(partitions)).values())
            return (count - (decided - before)) / (time.monotonic() - start)
    finally:
        await connection.close()
        await consumer.stop()


async def _decided(connection: "asyncpg.Connection[asyncpg.Record]") -> int:
    """Number of ingress records decided by this service; 0 before the tables exist."""
    if not await connection.fetchval("select to_regclass('ingress_offset') is not null"):
        return 0
    return int(await connection.fetchval(DECIDED))
