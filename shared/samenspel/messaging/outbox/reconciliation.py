"""Reconciliation: a comparison of a lane with Kafka before the relay publishes on the lane.

Kafka is read *first*, from the published offset; then the journal. When Kafka is behind, the relay publishes again
from the last event that Kafka has. When Kafka is ahead, or has another event with the same sequence, the database was
restored from an older backup. All lanes of the database then stay closed until an operator has recovered the lanes,
because the other lanes may be as old.
"""

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition

from samenspel.contracts.canonical import position_of, to_lines
from samenspel.contracts.topics import LaneId
from samenspel.messaging.kafka.log_reader import LogReader
from samenspel.runtime import failpoints
from samenspel.runtime.postgres import Connection

PUBLISHED_POSITION = """
select incarnation() as incarnation, l.timeline, p.sequence, p.next_offset, p.cuts, coalesce(s.removed, 0) as removed
from relay_progress p join lane l using (topic, lane) left join journal_start s using (topic, lane)
where (p.topic, p.lane) = ($1, $2)
"""
LANE_HEAD = "select timeline, sequence from lane where (topic, lane) = ($1, $2)"
FINGERPRINTS = """
select sequence, sha256(headers) as fingerprint from journal
where (topic, lane, timeline) = ($1, $2, $3) and sequence = any($4::bigint[])
"""
REMOVED = "select removed from journal_start where (topic, lane) = ($1, $2)"
MARK_RECONCILED = """
update lane set reconciled = $3 where (topic, lane) = ($1, $2) and timeline = $4 and reconciled <> $3
"""
CLOSE_ALL = "update lane set reconciled = '' where reconciled <> ''"
RESET = """
update relay_progress set sequence = $4, next_offset = $5, cuts = cuts + ($4 < sequence)::int
where (topic, lane, timeline) = ($1, $2, $3) and (sequence, next_offset, cuts) = ($6, $7, $8)
"""


class DatabaseBehindLog(Exception):
    """Kafka has events that this database does not have: the database was restored from an older backup."""


def fingerprint(record: ConsumerRecord) -> bytes:
    """SHA-256 of the record's header lines, which include the event's id and statedigest."""
    return sha256(to_lines(record.headers)).digest()


@dataclass(slots=True)
class LogTail:
    """Summary of a lane's records in Kafka after the published offset.

    ``contiguous`` is the last sequence without a gap before it; removed receipts leave no gap. It is -1 until the
    first record when the start of the log has expired. ``next_offset`` follows the record with that sequence.
    ``highest`` is the highest sequence.
    """

    contiguous: int
    next_offset: int
    highest: int = 0
    fingerprints: dict[int, bytes] = field(default_factory=dict)

    def add(self, record: ConsumerRecord, timeline: int) -> None:
        position = position_of(record.headers)
        if position is None:
            return  # No reader applies this record, so it says nothing about this lane.
        log_timeline, sequence = position
        if log_timeline > timeline:
            raise DatabaseBehindLog(f"Kafka is on timeline {log_timeline}, the database on {timeline}")
        if log_timeline < timeline:
            return
        self.highest = max(self.highest, sequence)
        self.fingerprints.setdefault(sequence, fingerprint(record))
        if sequence == self.contiguous + 1 or self.contiguous < 0:
            self.contiguous, self.next_offset = sequence, record.offset + 1


@dataclass(frozen=True, slots=True)
class Reconciled:
    """A lane whose journal has every event that Kafka has; ``published`` is the row of `PUBLISHED_POSITION`."""

    name: LaneId
    published: Any
    tail: LogTail


async def reconcile(connection: Connection, log_reader: LogReader, name: LaneId) -> Reconciled:
    """Compare one lane with Kafka, without changes to the database.

    Raises `DatabaseBehindLog` when the lane must stay closed, and `LookupError` when Kafka has no such topic.
    """
    failpoints.reached("reconciliation.published")
    published = await connection.fetchrow(PUBLISHED_POSITION, *name)
    assert published is not None  # `journal.ensure` inserts both rows in one statement
    tail = await _tail(log_reader, TopicPartition(*name), published)
    failpoints.reached("reconciliation.head")
    head = await connection.fetchrow(LANE_HEAD, *name)
    assert head is not None
    if tail.highest > head["sequence"]:
        raise DatabaseBehindLog(f"Kafka has event {tail.highest}, the journal ends at {head['sequence']}")
    await require_same_events(connection, name, published["timeline"], tail.fingerprints)
    return Reconciled(name, published, tail)


async def mark_reconciled(connection: Connection, lane: Reconciled) -> None:
    """Store the lane's published position as found in Kafka, and open the lane for writes."""
    published, tail = lane.published, lane.tail
    failpoints.reached("reconciliation.reset")
    await connection.execute(
        RESET,
        *lane.name,
        published["timeline"],
        max(0, tail.contiguous),
        tail.next_offset,
        published["sequence"],
        published["next_offset"],
        published["cuts"],
    )
    failpoints.reached("reconciliation.mark")
    await connection.execute(MARK_RECONCILED, *lane.name, published["incarnation"], published["timeline"])


async def close_all_lanes(connection: Connection) -> None:
    """Refuse writes on every lane until the next reconciliation, because this database is older than Kafka."""
    await connection.execute(CLOSE_ALL)


async def _tail(log_reader: LogReader, partition: TopicPartition, published: Any) -> LogTail:
    start, end = await log_reader.bounds(partition)
    sequence, next_offset = published["sequence"], published["next_offset"]
    if start >= next_offset:
        # No published event was lost: the published events have expired, or none was published yet.
        tail = LogTail(sequence, max(next_offset, start))
        begin = start
    elif (begin := await offset_after_published(log_reader, partition, published, start, end)) == next_offset:
        tail = LogTail(sequence, next_offset)
    else:
        tail = LogTail(-1 if start else published["removed"], start)
    async with aclosing(log_reader.records(partition, begin, end)) as records:
        async for record in records:
            tail.add(record, published["timeline"])
    return tail


async def offset_after_published(
    log_reader: LogReader, partition: TopicPartition, published: Any, start: int, end: int
) -> int:
    """Return the offset after the last published record.

    Returns ``start``, the first offset of the log, when that record is gone or another record has its offset. On a
    new timeline no record is published yet; the earlier records are then left out.
    """
    next_offset = published["next_offset"]
    if published["sequence"] == 0 and next_offset <= end:
        return int(next_offset)  # Nothing of this timeline was published before this offset.
    last = partition, next_offset - 1, published["timeline"], published["sequence"]
    if start < next_offset <= end and await holds_event(log_reader, *last):
        return int(next_offset)
    return start


async def holds_event(
    log_reader: LogReader, partition: TopicPartition, offset: int, timeline: int, sequence: int
) -> bool:
    """Whether Kafka has the event with this timeline and sequence at this offset."""
    record = await log_reader.record_at(partition, offset)
    return record is not None and position_of(record.headers) == (timeline, sequence)


async def require_same_events(
    connection: Connection, name: LaneId, timeline: int, fingerprints: Mapping[int, bytes]
) -> None:
    """Raise `DatabaseBehindLog` unless the journal has every sequence in ``fingerprints`` with that fingerprint.

    The comparison starts where the journal starts: removed receipts were published, and cannot be compared.
    """
    failpoints.reached("reconciliation.same-events")
    rows = await connection.fetch(FINGERPRINTS, *name, timeline, sorted(fingerprints))
    journalled = {row["sequence"]: row["fingerprint"] for row in rows}
    if differing := [each for each, in_log in fingerprints.items() if journalled.get(each) != in_log]:
        # Looked up after the rows: what is removed in between is removed in both.
        removed = await connection.fetchval(REMOVED, *name) or 0
        for sequence in differing:
            if sequence in journalled or sequence > removed:
                raise DatabaseBehindLog(f"event {sequence} differs between Kafka and the journal")
