"""The relay: only events acknowledged by Kafka count as published."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

import pytest
from aiokafka.errors import KafkaConnectionError
from samenspel.contracts.canonical import to_headers
from samenspel.contracts.topics import INITIATIVES
from samenspel.messaging.outbox.journal import JournalBatch
from samenspel.messaging.outbox.recent_rows import RecentRows
from samenspel.messaging.outbox.reconciler import Reconciler
from samenspel.messaging.outbox.relay import Relay

from tests.support.invariants import replay
from tests.support.memory_log import Log
from tests.support.service_schema import Room, changed, registered
from tests.support.submitting import Headers


class Batch:
    """As the batch of journal rows; takes ``room`` records."""

    def __init__(self, room: int) -> None:
        self._room = room
        self.records: list[tuple[Headers, bytes]] = []

    def append_row(self, key: bytes, lines: bytes, value: bytes) -> bool:
        if len(self.records) == self._room:
            return False
        self.records.append((to_headers(lines), value))
        return True

    def close(self) -> None: ...

    def record_count(self) -> int:
        return len(self.records)


class Broker:
    """Replaces the relay's producer: ``acknowledges`` gives the answer to an appended batch."""

    def __init__(self, log: Log, acknowledges: Callable[[int], "asyncio.Future[Any]"], room: int = 500) -> None:
        self._log = log
        self._acknowledges = acknowledges
        self._room = room

    async def connected(self) -> "Broker":
        return self

    async def discard(self) -> None: ...

    def create_batch(self) -> Batch:
        return Batch(self._room)

    async def send_batch(self, batch: Batch, topic: str, partition: int) -> "asyncio.Future[Any]":
        first = len(self._log.partitions.get((topic, partition), ()))
        for headers, value in batch.records:
            self._log.append(topic, partition, headers, value)
        return self._acknowledges(first)


class Acknowledged:
    def __init__(self, offset: int) -> None:
        self.offset = offset


def at_once(offset: int) -> "asyncio.Future[Any]":
    answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    answer.set_result(Acknowledged(offset))
    return answer


def never(offset: int) -> "asyncio.Future[Any]":
    answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    answer.set_exception(KafkaConnectionError("the answer was lost"))
    return answer


def relay(
    room: Room, log: Log, acknowledges: Callable[[int], "asyncio.Future[Any]"] = at_once, each: int = 500
) -> Relay:
    """Each of these has looked at nothing yet."""
    reconciler = Reconciler(room.pool, log, lambda: None)  # type: ignore[arg-type]  # lists in Kafka's place
    made = Relay(room.pool, reconciler, {}, uuid4(), lambda number: None)
    made._producer = Broker(log, acknowledges, each)  # type: ignore[assignment]  # the same
    return made


async def relay_all(one: Relay) -> None:
    while not await one.poll():
        pass


async def published(room: Room) -> int:
    return int(await room.pool.fetchval("select sum(sequence) from relay_progress where topic = $1", INITIATIVES))


async def history(room: Room, number: int) -> str:
    """A number of events of this initiative on a lane."""
    first = registered()
    await room.settle(first, *(changed(first.subject, version, f"{version}") for version in range(1, number)))
    return first.subject


def is_whole(log: Log, number: int) -> bool:
    """Whether the lane holds 1 to ``number`` without a gap, repeats left out."""
    records: Sequence[Any] = [
        each for (topic, _), lane in log.partitions.items() if topic == INITIATIVES for each in lane
    ]
    [lane] = replay(records).values()
    return len(lane.records) == number


def followed(log: Log) -> int:
    """The last event applied by a reader with the gap rule."""
    [lane] = [records for (topic, _), records in log.partitions.items() if topic == INITIATIVES]
    last = 0
    for each in lane:
        last += int(dict(each.headers)["ce_sequence"]) == last + 1
    return last


async def test_relay_publishes_the_whole_journal_in_order(registry: Room) -> None:
    await history(registry, 7)
    log = Log()
    await relay_all(relay(registry, log, each=3))
    assert is_whole(log, 7)
    assert await published(registry) == 7


RENAMED = "update journal set value = 'as read' where topic = $1"


async def with_recent_rows(room: Room, number: int) -> RecentRows:
    """Rows of committed events in memory; the same rows in the database have other values, to tell them apart."""
    recent, written = RecentRows(), list[JournalBatch]()
    first = registered()
    stated = [first, *(changed(first.subject, version, f"{version}") for version in range(1, number))]
    async with room.pool.acquire() as connection, connection.transaction():
        await room.processor().process(connection, stated, written=written)
    recent.add(written)
    await room.pool.execute(RENAMED, INITIATIVES)
    return recent


def values_on(log: Log) -> list[bytes]:
    return [each.value for (topic, _), lane in log.partitions.items() if topic == INITIATIVES for each in lane]


@pytest.mark.parametrize("each", [500, 2])
async def test_rows_in_memory_are_relayed_without_being_read(registry: Room, each: int) -> None:
    log, recent = Log(), await with_recent_rows(registry, 5)
    running = relay(registry, log, each=each)
    running._recent = recent
    await relay_all(running)
    assert is_whole(log, 5)
    assert b"as read" not in values_on(log)
    assert recent.ranges() == []
    assert await published(registry) == 5


@pytest.mark.parametrize("is_incomplete", [True, False])
async def test_rows_that_memory_cannot_have_are_read(registry: Room, is_incomplete: bool) -> None:
    """Rows of an earlier incarnation of the database, and rows after a row that is not in memory."""
    log, recent = Log(), await with_recent_rows(registry, 5)
    if is_incomplete:
        lanes = recent._lanes[next(name for name in recent._lanes if name[0] == INITIATIVES)]
        del lanes.rows[0]
        lanes.first += 1
    else:
        recent.incarnation = "before the restore"
    running = relay(registry, log, each=1)
    running._recent = recent
    await running.poll()
    await running.poll()
    assert values_on(log) == [b"as read"]


async def test_rows_that_leave_the_memory_during_the_claim_are_read_at_once(
    registry: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, recent = Log(), await with_recent_rows(registry, 3)
    running = relay(registry, log)
    await running.poll()
    running._recent = recent
    ranges = recent.ranges()
    recent.clear()
    monkeypatch.setattr(recent, "ranges", lambda: ranges)
    await running.poll()
    assert running._wake.is_set()
    monkeypatch.undo()
    await relay_all(running)
    assert values_on(log) == [b"as read"] * 3


async def test_relay_counts_an_event_as_published_only_after_its_acknowledgement(registry: Room) -> None:
    """The batch may be in Kafka or not: the reconciliation decides about sending again."""
    await history(registry, 3)
    log = Log()
    forgetful = relay(registry, log, never)
    await forgetful.poll()
    with pytest.raises(KafkaConnectionError):
        await forgetful.poll()
    assert await published(registry) == 0
    await registry.pool.execute("update relay_progress set held_until = '-infinity'")
    await relay_all(relay(registry, log))
    assert is_whole(log, 3)
    assert await published(registry) == 3


async def test_relay_that_wakes_up_late_never_moves_progress_back(registry: Room) -> None:
    """The batch was acknowledged while another relay advanced the lane."""
    await history(registry, 4)
    log, answer, was_asked = Log(), asyncio.Future[Any](), asyncio.Event()

    def later(offset: int) -> "asyncio.Future[Any]":
        was_asked.set()
        return answer

    late = relay(registry, log, later, each=2)
    await late.poll()
    sleeping = asyncio.create_task(late.poll())
    await asyncio.wait_for(was_asked.wait(), 60)
    await registry.pool.execute("update relay_progress set held_until = '-infinity'")
    await relay_all(relay(registry, log))
    assert await published(registry) == 4
    answer.set_result(Acknowledged(0))
    await sleeping
    assert await published(registry) == 4
    assert is_whole(log, 4)


async def test_relay_publishes_everything_again_to_a_recreated_topic(registry: Room) -> None:
    """Only the offset of the next batch reveals the new log."""
    subject = await history(registry, 3)
    log = Log()
    running = relay(registry, log)
    await relay_all(running)
    log.partitions.clear()
    await registry.settle(changed(subject, 3, "daarna"))
    await relay_all(running)
    assert followed(log) == 4


async def test_idle_relay_detects_a_truncated_log(registry: Room) -> None:
    """On every lane at once, the receipts' too."""
    for number in range(2):
        await history(registry, 3 - number)
    log = Log()
    running = relay(registry, log)
    await relay_all(running)
    stored = {name: len(lane) for name, lane in log.partitions.items()}
    for lane in log.partitions.values():
        lane.pop()
    await running._reconciler.check_log_ends()
    await running.poll()
    await relay_all(running)
    assert {name: len(lane) for name, lane in log.partitions.items()} == stored


async def test_idle_relay_detects_a_repeat_at_the_offset_of_its_last_event(registry: Room) -> None:
    """The end offset is as expected: an overtaken relay filled the offset of an event lost in Kafka."""
    await history(registry, 3)
    log = Log()
    running = relay(registry, log)
    await relay_all(running)
    for (topic, number), lane in log.partitions.items():
        length = len(lane)
        del lane[1:]
        while len(lane) < length:
            log.append(topic, number, lane[0].headers, lane[0].value)
    for _ in log.partitions:
        await running._reconciler.check_log_ends()
        await relay_all(running)
    assert followed(log) == 3
