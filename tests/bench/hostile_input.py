"""The cost of hostile input for another organisation: the delay of events, against the same run without."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from itertools import cycle
from typing import Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from samenspel.contracts.topics import INITIATIVES, LANES_LOCAL, ingress

from tests.bench.harness import ORGANISATIONS, Stand, event_headers, submission
from tests.bench.measures import Figure, compared
from tests.hostile_input.batches import TAKEN
from tests.hostile_input.records import KINDS
from tests.support.events import binary, event, initiative
from tests.support.record_batches import batch_of, raw, sender

PER_SECOND: Final = 50
SECONDS: Final = 8
POISON_PER_SECOND: Final = 40
SECONDS_MAX: Final = 120.0
CLUMSY, INNOCENT = ORGANISATIONS[:2]
Times = dict[str, float]


def poison(stand: Stand, rounds: int) -> list[Figure]:
    """From sending to the canonical topic, p90; without and with poison in turn, the median of the rounds."""
    batches = _poison()
    clean, poisoned = [], []
    with stand.process("registry", "services.registry"):
        stand.await_ready("registry")
        asyncio.run(_delay(stand, 20_000, []))
        for turn in range(rounds):
            clean.append(asyncio.run(_delay(stand, 20_001 + 2 * turn, [])))
            poisoned.append(asyncio.run(_delay(stand, 20_002 + 2 * turn, batches)))
    return [compared("delay beside another's poison, p90", "ms", poisoned, clean, most=2)]


def _poison() -> list[bytes]:
    """Every kind of batch accepted by the broker, and every kind of record."""
    good = event(f"urn:nld:oin:{CLUMSY}:systeem:bench", "initiative-registered", initiative())
    record = raw(*binary(good))
    whole = [kind.make([record, record]) for kind in TAKEN]
    single = [batch_of([kind.make(good)]) for kind in KINDS]
    return [*whole, *single]


async def _delay(stand: Stand, run: int, batches: list[bytes]) -> float:
    """Milliseconds, p90, of an organisation's events while another organisation sends these batches."""
    consumer = AIOKafkaConsumer(**stand.kafka(), group_id=None)
    await consumer.start()
    lanes = [TopicPartition(INITIATIVES, lane) for lane in range(LANES_LOCAL)]
    consumer.assign(lanes)
    await consumer.seek_to_end(*lanes)
    for lane in lanes:
        await consumer.position(lane)
    spoiling = asyncio.create_task(_spoil(stand.kafka(), batches))
    arriving = asyncio.create_task(_arrivals(consumer, f"delay-{run}-"))
    try:
        sent = await _steady(stand, run)
        async with asyncio.timeout(SECONDS_MAX):
            arrived = await arriving
    finally:
        spoiling.cancel()
        arriving.cancel()
        with suppress(asyncio.CancelledError):
            await spoiling
        await consumer.stop()
    delays = sorted(arrived[id] - at for id, at in sent.items())
    return 1_000 * delays[len(delays) * 9 // 10]


async def _spoil(kafka: Mapping[str, str], batches: list[bytes]) -> None:
    async with sender(kafka, ingress("initiatives", CLUMSY)) as produce:
        for batch in cycle(batches):
            await produce(batch)
            await asyncio.sleep(1 / POISON_PER_SECOND)


async def _steady(stand: Stand, run: int) -> Times:
    """New initiatives at an even pace; when each was sent."""
    producer = AIOKafkaProducer(**stand.kafka(), acks="all", enable_idempotence=True)
    await producer.start()
    loop, sent = asyncio.get_running_loop(), {}
    began = loop.time()
    try:
        for number in range(PER_SECOND * SECONDS):
            await asyncio.sleep(max(0.0, began + number / PER_SECOND - loop.time()))
            value, key = submission(number, run, PER_SECOND * SECONDS)
            id = f"delay-{run}-{number}"
            sent[id] = time.monotonic()
            await producer.send(
                ingress("initiatives", INNOCENT),
                value,
                key=key.encode(),
                headers=event_headers(INNOCENT, id, "registered"),
            )
    finally:
        await producer.stop()
    return sent


async def _arrivals(consumer: AIOKafkaConsumer, prefix: str) -> Times:
    """Arrival times on the lane of all events with such a submission id."""
    found: Times = {}
    while len(found) < PER_SECOND * SECONDS:
        for records in (await consumer.getmany(timeout_ms=500)).values():
            now = time.monotonic()
            found |= {id: now for id in map(_submission_of, records) if id.startswith(prefix)}
    return found


def _submission_of(record: ConsumerRecord) -> str:
    return dict(record.headers)["ce_submissionid"].decode()
