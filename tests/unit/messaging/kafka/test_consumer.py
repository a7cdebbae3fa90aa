"""The partition consumer: faults and floods of a partition cost no other partition a record."""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterator
from math import inf
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import Fetcher, FetchResult
from samenspel.messaging.kafka import consumer
from samenspel.messaging.kafka.consumer import BATCH_BYTES_MAX, WAITING_BYTES_MAX, PartitionConsumer
from samenspel.messaging.kafka.kept_assignment import UnpositionedPartitions
from samenspel.messaging.kafka.record_batches import SafeMemoryRecords

INNOCENT, CLUMSY = TopicPartition("innocent", 0), TopicPartition("clumsy", 0)
RECORDS = 5


class Fetched:
    """A fetch's result for a partition: records, or an error during decoding."""

    def __init__(self, *, breaks: bool = False, start: int = 0) -> None:
        self._breaks = breaks
        self.next_fetch_offset = start

    def __iter__(self) -> Iterator[int]:
        for offset in range(self.next_fetch_offset, self.next_fetch_offset + RECORDS):
            if self._breaks and offset == RECORDS // 2:
                raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "a header's name")
            self.next_fetch_offset = offset + 1
            yield offset


def reader_of(*order: TopicPartition) -> Any:
    """A reader, never connected, into which a fetch has brought these partitions in this order."""

    async def resolve_offsets(partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, 0)

    reader: Any = PartitionConsumer(resolve_offsets=resolve_offsets, bootstrap_servers="127.0.0.1:1")
    reader.assign(list(order))
    assignment = reader._subscription.subscription.assignment
    fetcher: Any = SimpleNamespace(_subscriptions=reader._subscription, _notify=lambda future: None)
    fetcher._wait_consume_future, fetcher._records = None, {}
    fetcher._create_fetch_waiter = asyncio.get_running_loop().create_future
    for partition in order:
        assignment.state_value(partition).seek(0)
        bring(reader, fetcher, partition, Fetched(breaks=partition == CLUMSY))
    fetcher.fetched_records = lambda *arguments, **named: Fetcher.fetched_records(fetcher, *arguments, **named)
    fetcher.seek_to = lambda partition, offset: Fetcher.seek_to(fetcher, partition, offset)
    fetcher.close = _nothing
    reader._fetcher, reader._coordinator = fetcher, SimpleNamespace(check_errors=lambda: None, close=_nothing)
    return reader


def bring(reader: Any, fetcher: Any, partition: TopicPartition, brought: Fetched) -> None:
    assignment = reader._subscription.subscription.assignment
    fetcher._records[partition] = FetchResult(partition, assignment=assignment, partition_records=brought, backoff=0)


@pytest.mark.parametrize("order", [(INNOCENT, CLUMSY), (CLUMSY, INNOCENT)], ids=["before", "after"])
async def test_undecodable_partition_costs_no_other_partition_a_record(order: tuple[TopicPartition, ...]) -> None:
    reader = reader_of(*order)
    try:
        drained = await reader.getmany()
    finally:
        await reader.stop()
    assert drained == {INNOCENT: list(range(RECORDS))}
    assert CLUMSY in reader._unpositioned.partitions, "to be read again from where the database stands"


async def test_small_batch_includes_records_that_arrived_since() -> None:
    reader = reader_of(INNOCENT)
    fetcher = reader._fetcher

    def fetched() -> "asyncio.Future[None]":
        bring(reader, fetcher, INNOCENT, Fetched(start=RECORDS))
        waiter = asyncio.get_running_loop().create_future()
        waiter.set_result(None)
        return waiter

    fetcher._create_fetch_waiter = fetched
    try:
        drained = await reader.getmany()
    finally:
        await reader.stop()
    assert drained == {INNOCENT: list(range(2 * RECORDS))}


async def test_paused_partition_is_read_after_the_pause_and_others_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """The records that were fetched before the pause are dropped, and fetched again from the same position."""
    now = [1_000.0]
    monkeypatch.setattr(consumer, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(consumer, "WAIT_SECONDS", 0)
    monkeypatch.setattr(consumer, "FETCH_SECONDS", 0)
    flood, other = TopicPartition("flood", 0), TopicPartition("other", 0)
    reader = reader_of(flood, other)
    try:
        reader.pause_for(flood, 60)
        assert await reader.getmany() == {other: list(range(RECORDS))}
        assert reader.paused() == {flood}
        now[0] += 59
        assert await reader.getmany() == {}
        now[0] += 1
        assert await reader.getmany() == {}
        assert reader.paused() == set(), "fetched again"
        bring(reader, reader._fetcher, flood, Fetched())
        assert await reader.getmany() == {flood: list(range(RECORDS))}
    finally:
        await reader.stop()


async def test_pause_without_an_end_ends_when_told() -> None:
    held = TopicPartition("held", 0)
    reader = reader_of(held)
    try:
        reader.pause_for(held, inf)
        reader._resume_due()
        assert reader.paused() == {held}
        reader.end_pause(TopicPartition("another", 0))
        reader.end_pause(held)
        reader._resume_due()
        assert reader.paused() == set()
    finally:
        await reader.stop()


async def test_rebalance_does_not_end_a_pause() -> None:
    flood, other = TopicPartition("flood", 0), TopicPartition("other", 0)
    reader = reader_of(flood, other)
    try:
        reader.pause_for(flood, 60)
        reader.assign([other, flood])
        reader.seek = lambda partition, offset: None
        for partition in (other, flood):
            reader.reset_position(partition)
        reader._position_assigned()
        await reader._resolving
        reader._position_assigned()
        assert reader.paused() == {flood}
    finally:
        await reader.stop()


async def _nothing() -> None: ...


ROOM = 500


class Flooded(PartitionConsumer):
    """A reader with a number of records per partition; nothing is fetched."""

    def __init__(self, stored: dict[TopicPartition, int]) -> None:
        self._fetcher = SimpleNamespace(_records=stored)
        self._unpositioned = UnpositionedPartitions()
        self._rounds = 0

    def __del__(self) -> None:
        """There is nothing to close."""

    async def _records_of(self, partition: TopicPartition, room: int) -> list[Any]:
        taken = min(room, self._fetcher._records[partition])
        self._fetcher._records[partition] -= taken
        return [object()] * taken


async def test_flood_in_one_partition_leaves_others_their_share() -> None:
    flood, *others = [TopicPartition(f"samenspel.in.initiatives.{number}", 0) for number in range(4)]
    reader = Flooded({flood: 100_000, **dict.fromkeys(others, 300)})
    served: Counter[TopicPartition] = Counter()
    for _ in range(4):
        drained = await reader._drain(ROOM)
        assert sum(map(len, drained.values())) <= ROOM
        served.update({partition: len(records) for partition, records in drained.items()})
    assert all(served[other] == 300 for other in others)


async def test_unused_share_goes_to_the_partition_with_more_records() -> None:
    """A partition with many records may fill the batch if the others are empty."""
    flood, quiet = [TopicPartition(f"samenspel.in.initiatives.{number}", 0) for number in range(2)]
    reader = Flooded({flood: 100_000, quiet: 0})
    taken = [sum(map(len, (await reader._drain(ROOM)).values())) for _ in range(2)]
    assert max(taken) == ROOM


class Heavy(PartitionConsumer):
    """A reader whose partitions hold decompressed batches; ``taken`` lists the partitions in order of their turn."""

    def __init__(self, sizes: dict[TopicPartition, int], waiting: int = 0) -> None:
        memories = {partition: SafeMemoryRecords(b"") for partition in sizes}
        results = {
            partition: SimpleNamespace(_partition_records=SimpleNamespace(_records=memory))
            for partition, memory in memories.items()
        }
        self._fetcher = SimpleNamespace(_records=results, _notify=lambda future: None, _wait_consume_future=None)
        self._unpositioned = UnpositionedPartitions()
        self._rounds = 0
        self.taken: list[TopicPartition] = []
        self._sizes, self._memories, self._waiting = sizes, memories, waiting

    def __del__(self) -> None:
        """There is nothing to close."""

    async def _records_of(self, partition: TopicPartition, limit: int) -> list[Any]:
        memory = self._memories[partition]
        memory.record_bytes += self._sizes[partition]
        memory.decompressed_bytes = self._waiting
        self.taken.append(partition)
        return [object()]


PARTITIONS = [TopicPartition(f"samenspel.in.initiatives.{number}", 0) for number in range(20)]


async def test_large_records_of_many_partitions_are_handed_on_in_several_batches() -> None:
    reader = Heavy(dict.fromkeys(PARTITIONS, BATCH_BYTES_MAX // 4))
    drained = await reader._drain(ROOM)
    assert len(drained) == 4
    for _ in PARTITIONS:
        await reader._drain(ROOM)
    assert set(reader.taken) == set(PARTITIONS), "each partition has its turn"


async def test_decompressed_batches_of_many_partitions_are_fetched_again_at_their_turn() -> None:
    reader = Heavy(dict.fromkeys(PARTITIONS, 1), waiting=WAITING_BYTES_MAX // 4)
    await reader._drain(ROOM)
    assert len(reader.taken) == len(PARTITIONS)
    assert len(reader._fetcher._records) == 4, (
        "the others were dropped, with their position behind what was handed on"
    )


async def test_unhandled_records_are_read_again_unless_the_position_is_resolved_anew() -> None:
    reader = reader_of(INNOCENT)
    try:
        reader.read_again(INNOCENT, 3)
        reader.read_again(CLUMSY, 3)
        assert await reader.position(INNOCENT) == 3
        reader.reset_position(INNOCENT)
        reader.read_again(INNOCENT, 1)
        assert await reader.position(INNOCENT) == 3
    finally:
        await reader.stop()


class Opening:
    """A resolver that waits for a release, and answers with the given offsets or errors."""

    def __init__(self, **found: int | Exception) -> None:
        self.found = found
        self.asked: list[set[str]] = []
        self.release = asyncio.Event()

    async def __call__(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int | Exception]:
        self.asked.append({each.topic for each in partitions})
        await self.release.wait()
        return {each: self.found[each.topic] for each in partitions}


async def test_open_partition_is_read_while_others_are_opened_together() -> None:
    others = [TopicPartition(f"other{number}", 0) for number in range(3)]
    reader = reader_of(INNOCENT, *others)
    opening = reader._resolve_offsets = Opening(other0=1, other1=2, other2=LookupError("no topic"))
    positioned: dict[str, int] = {}
    reader._on_positioned = lambda partition, offset: positioned.update({partition.topic: offset})
    for partition in others:
        reader.reset_position(partition)
    try:
        assert await reader.getmany() == {INNOCENT: list(range(RECORDS))}
        assert opening.asked == [{"other0", "other1", "other2"}], "one request for all"
        opening.release.set()
        await reader._resolving
        reader._position_assigned()
        assert positioned == {"other0": 1, "other1": 2}
        assert reader._unpositioned.partitions == {others[2]}, "its error concerns this partition alone"
        assert await reader.position(others[1]) == 2
    finally:
        await reader.stop()


async def test_partition_that_was_reset_meanwhile_is_opened_again() -> None:
    """The offset is from before the reset: perhaps from before a restore of the database."""
    reader = reader_of(INNOCENT)
    opening = reader._resolve_offsets = Opening(innocent=3)
    opening.release.set()
    reader.reset_position(INNOCENT)
    try:
        reader._position_assigned()
        reader.reset_position(INNOCENT)
        await reader._resolving
        reader._position_assigned()
        assert reader._unpositioned.partitions == {INNOCENT}
        await reader._resolving
        reader._position_assigned()
        assert reader._unpositioned.partitions == set()
        assert len(opening.asked) == 2
    finally:
        await reader.stop()


async def test_failed_resolution_is_repeated_later(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000.0]
    monkeypatch.setattr(consumer, "time", SimpleNamespace(monotonic=lambda: now[0]))
    reader = reader_of(INNOCENT)
    asked: list[Any] = []

    async def resolve_offsets(partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        asked.append(partitions)
        if len(asked) == 1:
            raise TimeoutError
        return dict.fromkeys(partitions, 0)

    reader._resolve_offsets = resolve_offsets
    reader.reset_position(INNOCENT)
    try:
        for seconds, requests in ((0, 1), (0.4, 1), (0.2, 2)):
            now[0] += seconds
            reader._position_assigned()
            if reader._resolving is not None:
                await asyncio.wait([reader._resolving])
            reader._position_assigned()
            assert len(asked) == requests
        assert reader._unpositioned.partitions == set()
    finally:
        await reader.stop()
