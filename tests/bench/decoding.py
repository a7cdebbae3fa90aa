"""The cost of the bounds on the hot path: a record decoded by the consumer's code, against aiokafka's code alone."""

import time
from collections.abc import Callable
from typing import Any, Final

from aiokafka import ConsumerRecord
from aiokafka.record.memory_records import MemoryRecords
from samenspel.contracts.catalogue import submissions_of
from samenspel.contracts.topics import ingress
from samenspel.messaging.ingress.decoding import decode
from samenspel.messaging.kafka.record_batches import SafeMemoryRecords

from tests.bench.harness import ORGANISATIONS
from tests.bench.measures import Figure
from tests.support.events import binary, event, initiative
from tests.support.record_batches import NOW_MS, batch_of, raw

RECORDS: Final = 500
REPEATS: Final = 40
"""Per round; the machine is never quiet for long."""
CITY: Final = ORGANISATIONS[0]
RATIO_MAX: Final = 1.15
"""A submission takes about 20 times as long in total: 3 % of a submission is 60 % of its decoding."""


def decoding(rounds: int) -> list[Figure]:
    """Processor time from the bytes of a batch to submissions: the best of both, measured in turn."""
    batch = _batch()
    pairs = [
        (_microseconds(SafeMemoryRecords, batch), _microseconds(MemoryRecords, batch))
        for _ in range(REPEATS * rounds)
    ]
    value, floor = map(min, zip(*pairs, strict=True))
    ratio = value / floor
    goal = f"ratio <= {RATIO_MAX}"
    return [Figure("decoding with bounds", value, "µs/record", floor, ratio, goal, ratio <= RATIO_MAX)]


def _batch() -> bytes:
    source = f"urn:nld:oin:{CITY}:systeem:bench"
    return batch_of([raw(*binary(event(source, "initiative-registered", initiative()))) for _ in range(RECORDS)])


def _microseconds(reader: Callable[[bytes], Any], batch: bytes) -> float:
    """Per record."""
    topic, types = ingress("initiatives", CITY), submissions_of("initiatives")
    began = time.process_time()
    for each in reader(batch).next_batch():
        decode(
            ConsumerRecord(topic, 0, each.offset, NOW_MS, 1, each.key, each.value, None, 0, 0, each.headers), types
        )
    return (time.process_time() - began) / RECORDS * 1_000_000
