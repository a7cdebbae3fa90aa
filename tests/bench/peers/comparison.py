"""The registry against the peers, in turn: events per second, and the time from append to canonical."""

import asyncio
import statistics
import sys
import time
from collections.abc import Collection
from typing import Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from samenspel.contracts.topics import LANES_LOCAL

from tests.bench.harness import ORGANISATIONS, Stand, event_headers, submission
from tests.bench.measures import Figure, compared
from tests.bench.peers.contestants import Contestant, Registry, ends, in_mode, load, numbers, peers
from tests.bench.peers.program import Mode

SECONDS_MAX: Final = 120.0
POLL_SECONDS: Final = 0.005
PER_SECOND: Final = 100
SECONDS: Final = 8
LANES: Final = range(LANES_LOCAL)
SHARES: Final = {"single": 10, "topics": 5}
"""A peer with a handler per message gets this part of the submissions, and is measured for `SLOW_SECONDS`."""
SLOW_SECONDS: Final = 6.0


def against_peers(stand: Stand, count: int, rounds: int) -> list[Figure]:
    """Events per second of the registry, and of each peer in the same round."""
    ours, (batch, single, topics) = Registry(stand), peers(stand, "batch", "single", "topics")
    rates: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, contestant, mode in (
            ("ours structured", ours, "structured"),
            ("batch structured", batch, "structured"),
            ("ours binary", ours, "binary"),
            ("batch binary", batch, "binary"),
            ("single", single, "structured"),
            ("topics", topics, "structured"),
        ):
            number, seconds = count // SHARES.get(name, 1), SLOW_SECONDS if name in SHARES else SECONDS_MAX
            rates.setdefault(name, []).append(throughput(stand, contestant, mode, number, seconds))
            print(f"{name}: {rates[name][-1]:,.0f} events/s", file=sys.stderr)
    mine, unit = rates["ours structured"], "events/s"
    return [
        compared("structured, against the batch peer", unit, mine, rates["batch structured"], least=0.85),
        compared("binary, against the batch peer", unit, rates["ours binary"], rates["batch binary"], least=0.85),
        compared("structured, against a handler per message", unit, mine, rates["single"], least=8),
        compared("structured, against a subscriber per topic", unit, mine, rates["topics"], least=8),
    ]


def throughput(stand: Stand, contestant: Contestant, mode: Mode, count: int, seconds: float) -> float:
    """Events per second on the canonical topic, after the first fifth."""
    count -= count % (5 * len(ORGANISATIONS))
    begin = asyncio.run(load(stand, contestant, mode, count))
    before = sum(asyncio.run(ends(stand, contestant.canonical, LANES)).values())
    with contestant.running(mode, begin):
        return asyncio.run(arrivals(stand, contestant.canonical, before, count, warm=count // 5, seconds=seconds))


async def arrivals(
    stand: Stand, topic: str, before: int, count: int, *, warm: int, seconds: float = SECONDS_MAX
) -> float:
    """Events per second between the ``warm``-th and the ``count``-th event after ``before``, within ``seconds``."""
    consumer = AIOKafkaConsumer(**stand.kafka(), group_id=None)
    await consumer.start()
    partitions = [TopicPartition(topic, lane) for lane in LANES]
    first = began = 0.0
    try:
        async with asyncio.timeout(SECONDS_MAX):
            while True:
                there = sum((await consumer.end_offsets(partitions)).values()) - before
                now = time.monotonic()
                if not began and there > warm:
                    first, began = there, now
                if there >= count or (began and now > began + seconds):
                    return (there - first) / max(now - began, POLL_SECONDS)
                await asyncio.sleep(POLL_SECONDS)
    finally:
        await consumer.stop()


def delays_against_peers(stand: Stand, rounds: int) -> list[Figure]:
    """From append to canonical at a steady pace, seen by a consumer: p50 and p99, in turn with the batch peer."""
    contestants = {"ours": Registry(stand), "batch": peers(stand, "batch")[0]}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, contestant in contestants.items():
            found[name].append(_delays(stand, contestant))
            print(f"{name}: p50 {found[name][-1][0]:.1f} ms, p99 {found[name][-1][1]:.1f} ms", file=sys.stderr)
    (ours50, ours99), (peer50, peer99) = (tuple(zip(*found[name], strict=True)) for name in contestants)
    pace = f"at {PER_SECOND}/s"
    return [
        compared(f"append to canonical {pace}, p50, against the batch peer", "ms", ours50, peer50, most=1.1),
        compared(f"append to canonical {pace}, p99, against the batch peer", "ms", ours99, peer99),
    ]


def _delays(stand: Stand, contestant: Contestant) -> tuple[float, float]:
    """Milliseconds, p50 and p99."""
    begin = asyncio.run(load(stand, contestant, "binary", 0))
    with contestant.running("binary", begin):
        millis = sorted(asyncio.run(_measured(stand, contestant)))
    return statistics.median(millis), millis[len(millis) * 99 // 100]


async def _measured(stand: Stand, contestant: Contestant) -> list[float]:
    """The delays after the first fifth; one event of each organisation shows before that the program reads."""
    consumer = AIOKafkaConsumer(**stand.kafka(), group_id=None)
    producer = AIOKafkaProducer(**stand.kafka(), acks="all", enable_idempotence=True)
    await asyncio.gather(consumer.start(), producer.start())
    lanes = [TopicPartition(contestant.canonical, lane) for lane in LANES]
    consumer.assign(lanes)
    await consumer.seek_to_end(*lanes)
    for lane in lanes:
        await consumer.position(lane)
    try:
        async with asyncio.timeout(SECONDS_MAX):
            await _exchange(producer, consumer, contestant, len(ORGANISATIONS), 1_000)
            found = await _exchange(producer, consumer, contestant, PER_SECOND * SECONDS, PER_SECOND)
    finally:
        await asyncio.gather(consumer.stop(), producer.stop())
    return found[len(found) // 5 :]


async def _exchange(
    producer: AIOKafkaProducer, consumer: AIOKafkaConsumer, contestant: Contestant, count: int, per_second: int
) -> list[float]:
    """Send new initiatives at this pace, and wait for each; milliseconds of each, in the order of sending."""
    run, loop, sent = next(numbers), asyncio.get_running_loop(), {}
    keys = {submission(number, run * 100, count)[1].encode() for number in range(count)}
    arriving = asyncio.create_task(_arrived(consumer, keys))
    began = loop.time()
    for number in range(count):
        await asyncio.sleep(max(0.0, began + number / per_second - loop.time()))
        index = number % len(ORGANISATIONS)
        value, key = submission(number, run * 100, count)
        headers = event_headers(ORGANISATIONS[index], f"{run}-{number}", "registered")
        headers, body = in_mode("binary", headers, value, contestant)
        sent[key.encode()] = time.monotonic()
        await producer.send(contestant.ingress[index], body, key=key.encode(), headers=headers)
    arrived = await arriving
    return [1_000 * (arrived[key] - at) for key, at in sent.items()]


async def _arrived(consumer: AIOKafkaConsumer, keys: Collection[bytes]) -> dict[bytes, float]:
    """When each of these keys was seen. A poller may still send events of an earlier run."""
    found: dict[bytes, float] = {}
    while len(found) < len(keys):
        for records in (await consumer.getmany(timeout_ms=500)).values():
            now = time.monotonic()
            found |= {record.key: now for record in records if record.key in keys}
    return found
