"""Recovery: what Kafka holds of a lane and its owner's database has lost comes back, byte for byte.

The journal gets its rows, the state what they say, and the table of submissions their first answers, so that
nothing that is read or sent again is decided a second time. One lane is one transaction; killed half-way, it simply
runs again. Facts first: what a receipt promises is looked up among them.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

from aiokafka import ConsumerRecord, TopicPartition

from samenspel.contracts.sequencing import Position, SequenceVerdict, check
from samenspel.contracts.topics import LaneId
from samenspel.messaging.kafka.log_reader import LogReader
from samenspel.messaging.outbox import journal
from samenspel.messaging.outbox.journal import Lane
from samenspel.messaging.outbox.reconciliation import (
    PUBLISHED_POSITION,
    DatabaseBehindLog,
    fingerprint,
    offset_after_published,
    require_same_events,
)
from samenspel.runtime import failpoints
from samenspel.runtime.postgres import Connection

CHUNK: Final = 500
LOCK_LANE: Final = "select timeline, sequence, digest from lane where (topic, lane) = ($1, $2) for update"
# A recovery may take long, and holds nobody up who could go on: all doors are closed.
NO_TIMEOUTS: Final = (
    "set local transaction_timeout = 0",
    "set local idle_in_transaction_session_timeout = 0",
    "set local lock_timeout = '10s'",
)


class NotRecoverable(Exception):
    """The lane cannot be recovered from Kafka; the text says why."""


Cause = tuple[str, str, str, str]
"""A submission: organisation, source, id, and the record it came in (``http`` when it came over that door)."""


@dataclass(slots=True)
class Recovered:
    """What came back on one lane: its sequence before and after, and the answers that are recognised again.

    ``void`` are promises whose facts never reached Kafka, ``unsettled`` those that were waiting when the database
    was lost. Those that came over Kafka are read again by themselves; the others must be sent again.
    """

    lane: str
    before: int
    after: int
    answers: int = 0
    broken_promises: list[Cause] = field(default_factory=list)
    still_deferred: list[Cause] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class LaneReplay:
    """How a lane's records become state. ``expires`` says whether Kafka forgets the oldest of them."""

    apply: Callable[[Connection, Lane, Sequence[ConsumerRecord], Recovered], Awaitable[None]]
    expires: bool = False


async def recover_lane(connection: Connection, log_reader: LogReader, name: LaneId, replay: LaneReplay) -> Recovered:
    """Everything that Kafka holds of this lane and the journal does not. Raises `Impossible`, or `LookupError`."""
    async with connection.transaction():
        lane = await lock_lane(connection, name)
        recovered = Recovered(lane.name, lane.sequence, lane.sequence)
        highest = 0
        partition, start, begin, end = await _log_range(connection, log_reader, name)
        may_skip = replay.expires and begin == start > 0
        async with aclosing(_chunks(log_reader, partition, begin, end)) as chunks:
            async for chunk in chunks:
                if may_skip:
                    _skip_expired(lane, chunk[0])
                    may_skip = False
                highest = max(highest, await _apply_chunk(connection, lane, chunk, replay, recovered))
        if highest > lane.sequence:
            raise NotRecoverable(f"event {lane.sequence + 1} of {lane.name} is not in Kafka, {highest} is")
        recovered.after = lane.sequence
        failpoints.reached("recovery.commit")
    return recovered


async def _apply_chunk(
    connection: Connection, lane: Lane, chunk: Sequence[ConsumerRecord], replay: LaneReplay, recovered: Recovered
) -> int:
    """Take from this chunk what the law says, compare the rest with the journal; the highest sequence in it."""
    sequence, following, prints = lane.sequence, list[ConsumerRecord](), dict[int, bytes]()
    highest = 0
    for record in chunk:
        headers = dict(record.headers)
        number, timeline = int(headers["ce_sequence"]), int(headers["ce_timeline"])
        if timeline < lane.timeline:
            continue
        highest = max(highest, number)
        verdict = check(Position(lane.timeline, sequence), timeline, number)
        if verdict is SequenceVerdict.NEW_TIMELINE:
            raise NotRecoverable(f"Kafka holds timeline {timeline} of {lane.name}, the database {lane.timeline}")
        if verdict is SequenceVerdict.APPLY:
            following.append(record)
            sequence = number
        elif verdict is SequenceVerdict.SKIP:
            prints[number] = fingerprint(record)
    if following:
        await replay.apply(connection, lane, following, recovered)
        await journal.write(connection, journal.drain([lane]))
    await _require_same(connection, lane, prints)
    return highest


async def _require_same(connection: Connection, lane: Lane, prints: Mapping[int, bytes]) -> None:
    try:
        await require_same_events(connection, (lane.topic, lane.lane), lane.timeline, prints)
    except DatabaseBehindLog as difference:
        raise NotRecoverable(f"{lane.name}: {difference}") from None


async def lock_lane(connection: Connection, name: LaneId) -> Lane:
    """Lock a lane without haste, whether its door is open or not."""
    for setting in NO_TIMEOUTS:
        await connection.execute(setting)
    row = await connection.fetchrow(LOCK_LANE, *name)
    if row is None:
        raise LookupError(f"there is no lane {name[0]}/{name[1]} here")
    return Lane(*name, row["timeline"], row["sequence"], int.from_bytes(row["digest"], "big"))


def _skip_expired(lane: Lane, first: ConsumerRecord) -> None:
    """What Kafka has forgotten by now cannot come back, and need not: only its organisation read it."""
    headers = dict(first.headers)
    if int(headers["ce_timeline"]) == lane.timeline:
        lane.sequence = max(lane.sequence, int(headers["ce_sequence"]) - 1)


async def _log_range(
    connection: Connection, log_reader: LogReader, name: LaneId
) -> tuple[TopicPartition, int, int, int]:
    """Where Kafka's log begins, where its records behind what was published begin, and where they end."""
    partition = TopicPartition(*name)
    standing = await connection.fetchrow(PUBLISHED_POSITION, *name)
    start, end = await log_reader.bounds(partition)
    return partition, start, await offset_after_published(log_reader, partition, standing, start, end), end


async def _chunks(
    log_reader: LogReader, partition: TopicPartition, begin: int, end: int
) -> AsyncGenerator[list[ConsumerRecord]]:
    chunk: list[ConsumerRecord] = []
    async with aclosing(log_reader.records(partition, begin, end)) as records:
        async for record in records:
            chunk.append(record)
            if len(chunk) == CHUNK:
                yield chunk
                chunk = []
    if chunk:
        yield chunk
