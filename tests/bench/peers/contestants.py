"""The registry and the peers as processes with the same load: ingress topics, canonical topic, way to start."""

import asyncio
import itertools
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from samenspel.contracts.topics import INITIATIVES, LANES_LOCAL, ingress

from deploy.local.postgres_node.databases import NAMED_SERVER, Databases
from tests.bench.harness import ORGANISATIONS, Stand, event_headers, submission
from tests.bench.peers.program import CANONICAL, VARIABLE, Mode, PeerName, Wanted

Offsets = Mapping[TopicPartition, int]
Header = tuple[str, bytes]
PEER_INGRESS: Final = [f"peer.ingress.{oin}" for oin in ORGANISATIONS]
numbers: Final = itertools.count(5_000)
"""Of loads: two loads have no initiative and no id in common."""


class Contestant(Protocol):
    """A program that turns the records of ``ingress`` into events on ``canonical``."""

    ingress: list[str]
    canonical: str
    structured_type: bytes
    """The content type of a submission in structured mode."""

    @contextmanager
    def running(self, mode: Mode, begin: Offsets) -> Iterator[None]:
        """The program as a process that reads from ``begin``; killed at the end."""
        ...


@dataclass
class Registry:
    stand: Stand
    module: str = "services.registry"
    ingress: list[str] = field(default_factory=lambda: [ingress("initiatives", oin) for oin in ORGANISATIONS])
    canonical: str = INITIATIVES
    structured_type: bytes = b"application/cloudevents+json"

    @contextmanager
    def running(self, mode: Mode, begin: Offsets) -> Iterator[None]:
        """The registry reads on where it stopped: at ``begin``, if it has decided all earlier records."""
        with self.stand.process("registry", self.module):
            yield


@dataclass
class Peer:
    stand: Stand
    name: PeerName
    dsn: str
    ingress: list[str] = field(default_factory=lambda: list(PEER_INGRESS))
    canonical: str = CANONICAL
    structured_type: bytes = b"application/json"
    """FastStream decodes no other type as JSON."""

    @contextmanager
    def running(self, mode: Mode, begin: Offsets) -> Iterator[None]:
        """With a group of its own: a killed member of the same group would delay this one by its session."""
        group = f"peer-{self.name}-{next(numbers)}"
        names = [f"{group}.{topic}" for topic in self.ingress] if self.name == "topics" else [group]
        asyncio.run(_commit(self.stand, names, begin))
        wanted = Wanted(
            peer=self.name, mode=mode, group=group, topics=self.ingress, dsn=self.dsn, kafka=self.stand.kafka()
        )
        log = self.stand.system.home.log("bench-peer").open("ab")
        command = [sys.executable, "-m", "tests.bench.peers"]
        process = subprocess.Popen(
            command, env={**os.environ, VARIABLE: wanted.model_dump_json()}, stdout=log, stderr=log
        )
        try:
            yield
        finally:
            process.kill()
            process.wait()
            log.close()


def peers(stand: Stand, *names: PeerName) -> list[Peer]:
    """The peers, with their topics and a database on the same servers."""
    asyncio.run(create_topics(stand, {CANONICAL: LANES_LOCAL, **dict.fromkeys(PEER_INGRESS, 1)}))
    databases = Databases(os.environ.get(NAMED_SERVER) or stand.system.postgres.admin_dsn, stand.system.secrets)
    databases.ensure(["peer"])
    return [Peer(stand, name, databases.dsn_with_password("peer")) for name in names]


async def create_topics(stand: Stand, partitions: Mapping[str, int]) -> None:
    """Create missing topics with so many partitions each."""
    admin = AIOKafkaAdminClient(**stand.kafka())
    await admin.start()
    try:
        there = await admin.list_topics()
        await admin.create_topics([NewTopic(name, n, 1) for name, n in partitions.items() if name not in there])
    finally:
        await admin.close()


async def _commit(stand: Stand, groups: Iterable[str], begin: Offsets) -> None:
    for group in groups:
        consumer = AIOKafkaConsumer(**stand.kafka(), group_id=group, enable_auto_commit=False)
        await consumer.start()
        try:
            consumer.assign([*begin])
            await consumer.commit(dict(begin))
        finally:
            await consumer.stop()


async def ends(stand: Stand, topic: str, lanes: Iterable[int]) -> dict[TopicPartition, int]:
    return await ends_of(stand, [TopicPartition(topic, lane) for lane in lanes])


async def ends_of(stand: Stand, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
    """The offset after the last record of each partition."""
    consumer = AIOKafkaConsumer(**stand.kafka(), group_id=None)
    await consumer.start()
    try:
        return dict(await consumer.end_offsets([*partitions]))
    finally:
        await consumer.stop()


async def load(stand: Stand, contestant: Contestant, mode: Mode, count: int) -> Offsets:
    """Put ``count`` submissions into the ingress: a fifth registers initiatives, the rest are changes.

    Returns the offsets of the first ones.
    """
    begin = await ends_of(stand, [TopicPartition(topic, 0) for topic in contestant.ingress])
    producer = AIOKafkaProducer(
        **stand.kafka(), acks="all", enable_idempotence=True, linger_ms=5, max_batch_size=262_144
    )
    await producer.start()
    run, each = next(numbers), count // len(ORGANISATIONS)
    try:
        for index, oin in enumerate(ORGANISATIONS):
            sent = []
            for number in range(each):
                value, key = submission(number, run * 100 + index, each // 5)
                kind = "registered" if number < each // 5 else "changed"
                headers, body = in_mode(mode, event_headers(oin, f"{run}-{index}-{number}", kind), value, contestant)
                sent.append(await producer.send(contestant.ingress[index], body, key=key.encode(), headers=headers))
            await asyncio.gather(*sent)
    finally:
        await producer.stop()
    return begin


def in_mode(mode: Mode, headers: list[Header], value: bytes, contestant: Contestant) -> tuple[list[Header], bytes]:
    """Headers and value of a record, from those of binary mode."""
    if mode == "binary":
        return headers, value
    attributes = {name.removeprefix("ce_"): text.decode() for name, text in headers if name.startswith("ce_")}
    data = {"datacontenttype": "application/json", "data": orjson.Fragment(value)}
    return [("content-type", contestant.structured_type)], orjson.dumps({**attributes, **data})
