"""A system to measure on: its own home, its own organisations, and submissions that wait in their ingress."""

import asyncio
import os
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
from samenspel.client.rights import rights_of_organisation
from samenspel.contracts.topics import Domain, Service, ingress, topics_of

from deploy.local.services import environment_of
from deploy.local.system import LocalSystem

ORGANISATIONS = [f"000000990000000080{number:02d}" for number in range(8)]
POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Stand:
    """A running Kafka and PostgreSQL, without services, and eight organisations with their topics and rights."""

    system: LocalSystem

    def kafka(self) -> dict[str, str]:
        """aiokafka's settings for the operator's own user, who may do everything."""
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
        return {**os.environ, **environment_of(service, self.system.home, bootstrap, self.system.databases)}

    @contextmanager
    def process(self, service: Service, *command: str) -> Iterator[subprocess.Popen[bytes]]:
        """A process with this service's settings; killed at the end."""
        log = self.system.home.log(f"bench-{service}").open("ab")
        process = subprocess.Popen(
            [sys.executable, "-m", *command], env=self.environment(service), stdout=log, stderr=log
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            log.close()


@contextmanager
def stand(folder: Path) -> Iterator[Stand]:
    system = LocalSystem(folder / "home")
    system.start(services=())
    system.services.claim_ports(("registry", "funding", "notifier"))
    try:
        admin = system.kafka.admin()
        for oin in ORGANISATIONS:
            admin.ensure_user(oin, "bench")
            admin.ensure_topics(topics_of(oin))
            admin.ensure_acls(oin, rights_of_organisation(oin))
        yield Stand(system)
    finally:
        import shutil

        shutil.copytree(system.home.path / "log", "/tmp/me/logs", dirs_exist_ok=True)
        system.remove()


def submission(number: int, run: int, subjects: int) -> tuple[bytes, str]:
    """An initiative of about 500 bytes, and its id; ``subjects`` of them are new, the rest are changes of those."""
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
    """Put submissions into the ingress of every organisation, each organisation its own initiatives."""
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
                kind = "registered" if number < own else "changed"
                headers = [
                    ("ce_specversion", b"1.0"),
                    ("ce_id", b"%d-%d-%d" % (run, index, number)),
                    ("ce_source", f"urn:nld:oin:{oin}:systeem:bench".encode()),
                    ("ce_type", f"nl.samenspel.initiative-{kind}.v1".encode()),
                    ("ce_time", b"2026-11-24T10:11:12Z"),
                    ("content-type", b"application/json"),
                ]
                sent.append(await producer.send(ingress(domain, oin), value, key=key.encode(), headers=headers))
            await asyncio.gather(*sent)
    finally:
        await producer.stop()


DECIDED = "select coalesce(sum(next_offset), 0) from door"


async def rate(stand: Stand, service: Service, topic: str, lanes: Sequence[int], count: int, seconds: float) -> float:
    """Submissions per second, from the first committed batch until the last of ``count`` lies on ``topic``."""
    consumer = AIOKafkaConsumer(**stand.kafka(), group_id=None)
    await consumer.start()
    connection = await asyncpg.connect(stand.system.databases.dsn_with_password(service))
    partitions = [TopicPartition(topic, lane) for lane in lanes]
    try:
        begin = sum((await consumer.end_offsets(partitions)).values())
        async with asyncio.timeout(seconds):
            before = decided = await _decided(connection)
            while decided == before:
                await asyncio.sleep(POLL_SECONDS)
                decided = await _decided(connection)
            start = time.monotonic()
            while sum((await consumer.end_offsets(partitions)).values()) - begin < count:
                await asyncio.sleep(POLL_SECONDS)
            return (count - (decided - before)) / (time.monotonic() - start)
    finally:
        await connection.close()
        await consumer.stop()


async def _decided(connection: "asyncpg.Connection[asyncpg.Record]") -> int:
    """How many ingress records this service has decided; 0 before its tables are there."""
    if not await connection.fetchval("select to_regclass('door') is not null"):
        return 0
    return int(await connection.fetchval(DECIDED))
