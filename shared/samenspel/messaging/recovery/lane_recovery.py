"""Recovery of a lane: copies events from Kafka, byte for byte, into the owner's restored database.

The journal gets the missing rows, the aggregates their states, and the table of submissions the first answers. A
repeated submission is therefore not decided a second time. Each lane is one transaction; after a kill, the recovery
runs again from the start. Canonical lanes come before receipts, because an accepted answer counts only with its
events.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

from aiokafka import ConsumerRecord, TopicPartition

from samenspel.contracts.canonical import position_of
from samenspel.contracts.sequencing import Position, SequenceVerdict, check
from samenspel.contracts.topics import LaneId
from samenspel.messaging.kafka.log_reader import LogReader
from samenspel.messaging.outbox import journal, receipt_retention
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
# A recovery may take long, and delays no other transaction: all lanes are closed for writes.
NO_TIMEOUTS: Final = (
    "set local transaction_timeout = 0",
    "set local idle_in_transaction_session_timeout = 0",
    "set local lock_timeout = '10s'",
)


class NotRecoverable(Exception):
    """The lane cannot be recovered from Kafka; the text is the reason."""


@dataclass(frozen=True, slots=True)
class LostSubmission:
    """A submission that the restored database does not have; ``record`` is ``http`` for a submission over HTTP.

    ``received_at`` is the moment of receipt (RFC 3339) in a *deferred* receipt, else None. The moment counts again
    when the submission is resent.
    """

    organisation: str
    source: str
    id: str
    record: str
    received_at: str | None = None


@dataclass(slots=True)
class Recovered:
    """Result of the recovery of one lane: sequence before and after, and the number of restored answers.

    ``broken_promises`` are accepted submissions without their events in Kafka. ``still_deferred`` are submissions
    that were deferred when the database was lost. Of both kinds, the service reads the submissions over Kafka again;
    the organisation must resend the submissions over HTTP.
    """

    lane: str
    before: int
    after: int
    answers: int = 0
    broken_promises: list[LostSubmission] = field(default_factory=list)
    still_deferred: list[LostSubmission] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class LaneReplay:
    """The conversion of a lane's records to state. ``expires``: whether Kafka and the journal lose old records."""

    apply: Callable[[Connection, Lane, Sequence[ConsumerRecord], Recovered], Awaitable[None]]
    expires: bool = False


async def recover_lane(connection: Connection, log_reader: LogReader, name: LaneId, replay: LaneReplay) -> Recovered:
    """Restore the events that Kafka has and the journal lacks. Raises `NotRecoverable` or `LookupError`."""
    async with connection.transaction():
        lane = await lock_lane(connection, name)
        recovered = Recovered(lane.name, lane.sequence, lane.sequence)
        highest = 0
        partition, start, begin, end = await _log_range(connection, log_reader, name)
        may_skip = replay.expires and begin == start
        async with aclosing(_chunks(log_reader, partition, begin, end)) as chunks:
            async for chunk in chunks:
                if may_skip:
                    await _skip_expired(connection, lane, chunk[0])
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
    """Apply the next events of the chunk, and compare repeats with the journal. Returns the highest sequence."""
    sequence, following, fingerprints = lane.sequence, list[ConsumerRecord](), dict[int, bytes]()
    highest = 0
    for record in chunk:
        position = position_of(record.headers)
        if position is None or position[0] < lane.timeline:
            continue
        timeline, number = position
        highest = max(highest, number)
        verdict = check(Position(lane.timeline, sequence), timeline, number)
        if verdict in (SequenceVerdict.NEW_TIMELINE, SequenceVerdict.TIMELINE_JUMP):
            raise NotRecoverable(
                f"{lane.name} is on timeline {timeline} in Kafka, and on {lane.timeline} in the database"
            )
        if verdict is SequenceVerdict.APPLY:
            following.append(record)
            sequence = number
        elif verdict is SequenceVerdict.SKIP:
            fingerprints[number] = fingerprint(record)
    if following:
        await replay.apply(connection, lane, following, recovered)
        await journal.write(connection, journal.drain([lane]))
    await _require_same(connection, lane, fingerprints)
    return highest


async def _require_same(connection: Connection, lane: Lane, fingerprints: Mapping[int, bytes]) -> None:
    try:
        await require_same_events(connection, (lane.topic, lane.lane), lane.timeline, fingerprints)
    except DatabaseBehindLog as difference:
        raise NotRecoverable(f"{lane.name}: {difference}") from None


async def lock_lane(connection: Connection, name: LaneId) -> Lane:
    """Lock a lane, reconciled or not, without the usual limits on the duration of the transaction."""
    for setting in NO_TIMEOUTS:
        await connection.execute(setting)
    row = await connection.fetchrow(LOCK_LANE, *name)
    if row is None:
        raise LookupError(f"the service has no lane {name[0]}/{name[1]}")
    return Lane(*name, row["timeline"], row["sequence"], int.from_bytes(row["digest"], "big"))


async def _skip_expired(connection: Connection, lane: Lane, first: ConsumerRecord) -> None:
    """Skip expired receipts, which cannot be recovered. Only the organisation needs the receipts."""
    position = position_of(first.headers)
    if position and position[0] == lane.timeline and position[1] - 1 > lane.sequence:
        await receipt_retention.begin_after(connection, (lane.topic, lane.lane), position[1] - 1)
        lane.sequence = position[1] - 1


async def _log_range(
    connection: Connection, log_reader: LogReader, name: LaneId
) -> tuple[TopicPartition, int, int, int]:
    """The partition, the first offset of the log, the offset after the last published record, and the end offset."""
    partition = TopicPartition(*name)
    published = await connection.fetchrow(PUBLISHED_POSITION, *name)
    start, end = await log_reader.bounds(partition)
    return partition, start, await offset_after_published(log_reader, partition, published, start, end), end


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
