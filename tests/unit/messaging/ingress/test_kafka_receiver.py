"""Reading ahead of deciding: nothing is decided before the preceding batch."""

import asyncio
from collections.abc import Callable
from math import inf
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from samenspel.messaging.errors import Fenced
from samenspel.messaging.inbox.storage_budget import StorageBudget
from samenspel.messaging.ingress import kafka_receiver
from samenspel.messaging.ingress.kafka_receiver import DECODE_SECONDS_MAX, LONG_BATCH, DecodedBatch, KafkaReceiver
from samenspel.runtime.database_health import StorageFull

TOPIC = "samenspel.in.initiatives.00000099000000000001"


class Reader:
    def __init__(self) -> None:
        self.reopened: list[TopicPartition] = []
        self.paused: dict[TopicPartition, float] = {}
        self.returned: list[tuple[TopicPartition, int]] = []

    def reset_position(self, partition: TopicPartition) -> None:
        self.reopened.append(partition)

    def pause_for(self, partition: TopicPartition, seconds: float) -> None:
        self.paused[partition] = seconds

    def read_again(self, partition: TopicPartition, offset: int) -> None:
        self.returned.append((partition, offset))


def record(offset: int, topic: str = TOPIC) -> Any:
    return SimpleNamespace(topic=topic, partition=0, offset=offset, timestamp=1, key=b"", headers=(), value=b"")


@pytest.fixture(autouse=True)
def decoding_takes_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine must not make a long batch short."""
    monkeypatch.setattr(kafka_receiver, "DECODE_SECONDS_MAX", inf)


class Trying:
    """A receiver with recorded commits, by offset; the first commit is fenced, after ``may_end``."""

    def __init__(self) -> None:
        self.tried: list[list[int]] = []
        self.reader: Any = Reader()
        self.may_end = asyncio.Event()
        processor: Any = SimpleNamespace(decider=SimpleNamespace(types={}), storage=StorageBudget())
        pool: Any = None
        self.ingress = KafkaReceiver(processor, pool, lambda _: None, StorageFull())
        self.ingress._commit = self._commit  # type: ignore[method-assign]  # what is tried here is when it is called
        self.ingress.positioned(TOPIC, 0)

    async def _commit(self, batch: DecodedBatch) -> None:
        self.tried.append([each.offset for each in batch.records])
        if len(self.tried) == 1:
            await self.may_end.wait()
            raise Fenced("the ingress offset is another")

    async def read(self, start: int, number: int = LONG_BATCH) -> None:
        await self.ingress(self.reader, [record(offset) for offset in range(start, start + number)])


async def test_records_read_behind_an_undecided_batch_are_read_again() -> None:
    """The model's ``BATCH_BEFORE``: an old log's batch may have advanced the offset to the next batch's start."""
    trying = Trying()
    trying.may_end.set()
    await trying.read(0)
    await trying.read(LONG_BATCH)
    await trying.ingress.finish()
    assert trying.tried == [list(range(LONG_BATCH))]
    assert set(trying.reader.reopened) == {TopicPartition(TOPIC, 0)}
    trying.ingress.positioned(TOPIC, 0)
    await trying.read(0, 2 * LONG_BATCH)
    await trying.ingress.finish()
    assert trying.tried[1:] == [list(range(2 * LONG_BATCH))]


async def test_records_behind_a_batch_are_read_again_after_leaving_the_group() -> None:
    trying = Trying()
    await trying.read(0)
    behind = asyncio.create_task(trying.read(LONG_BATCH))
    await asyncio.sleep(0)
    leaving = asyncio.create_task(trying.ingress.finish())
    await asyncio.sleep(0)
    trying.may_end.set()
    await asyncio.gather(behind, leaving)
    assert trying.tried == [list(range(LONG_BATCH))]


async def test_short_batch_is_committed_before_the_next_is_read() -> None:
    trying = Trying()
    trying.may_end.set()
    await trying.read(0, 1)
    reopened = len(trying.reader.reopened)
    trying.ingress.positioned(TOPIC, 0)
    await trying.read(0, 1)
    assert trying.tried == [[0], [0]]
    assert len(trying.reader.reopened) == reopened


OTHER = "samenspel.in.initiatives.00000099000000000002"


class Slow:
    """Decoding of a hostile topic takes a tenth of the limit per record; the clock is the test's."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(kafka_receiver, "DECODE_SECONDS_MAX", DECODE_SECONDS_MAX)
        monkeypatch.setattr(kafka_receiver, "decode", self.decode)
        monkeypatch.setattr(kafka_receiver.time, "monotonic", lambda: self.now)
        self.on_decode: Callable[[], None] = lambda: None

    def decode(self, given: Any, types: object) -> Any:
        self.now += DECODE_SECONDS_MAX / 10 if given.topic == TOPIC else 0.0
        self.on_decode()
        return SimpleNamespace(problems=())


async def test_expensive_records_of_a_topic_are_decoded_for_a_time_and_the_rest_is_read_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Slow(monkeypatch)
    trying = Trying()
    trying.ingress.positioned(OTHER, 0)
    hostile, innocent = [record(offset) for offset in range(100)], [record(offset, OTHER) for offset in range(100)]
    batch = await trying.ingress._decode(trying.reader, [*hostile, *innocent])
    number = len(batch.records) - len(innocent)
    assert 10 <= number <= 12
    assert batch.ranges == [(TOPIC, 0, number, 1), (OTHER, 0, 100, 1)]
    assert trying.reader.returned == [(TopicPartition(TOPIC, 0), number)]
    again = await trying.ingress._decode(trying.reader, hostile[number:])
    assert again.ranges[0][:2] == (TOPIC, number), "nothing is skipped"


async def test_rest_of_a_topic_is_not_read_again_after_its_position_was_resolved_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow, trying = Slow(monkeypatch), Trying()
    slow.on_decode = lambda: trying.ingress.positioned(TOPIC, 0)
    await trying.ingress._decode(trying.reader, [record(offset) for offset in range(100)])
    assert trying.reader.returned == []
    again = await trying.ingress._decode(trying.reader, [record(0)])
    assert again.ranges == [(TOPIC, 0, 1, 1)]


async def test_record_that_cannot_even_be_quarantined_pauses_its_own_topic_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Kept as the result of the batch, the error would end the reading of all organisations."""
    Slow(monkeypatch)
    trying = Trying()
    committed: list[tuple[str, int]] = []

    async def commit(batch: DecodedBatch) -> None:
        if batch.records[0].topic == TOPIC:
            raise ValueError("defect")
        committed.extend((each.topic, each.offset) for each in batch.records)

    async def fails(single: DecodedBatch, error: Exception) -> None:
        raise error

    monkeypatch.setattr(trying.ingress, "_commit", commit)
    monkeypatch.setattr(trying.ingress, "_quarantine_failed", fails)
    trying.ingress.positioned(OTHER, 0)
    await trying.ingress(trying.reader, [record(0), record(1), record(0, OTHER)])
    await trying.ingress(trying.reader, [record(1, OTHER)])
    assert committed == [(OTHER, 0), (OTHER, 1)]
    assert trying.reader.reopened == [TopicPartition(TOPIC, 0)], "tried again from the stored offset"
    assert trying.reader.paused == {TopicPartition(TOPIC, 0): kafka_receiver.STUCK_SECONDS}
