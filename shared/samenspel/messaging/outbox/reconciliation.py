"""Comparing a lane with Kafka before anything is published on it.

Kafka is read *first*, from the published offset; then the journal. Kafka behind: publish again from there. Kafka
ahead, or another event under the same number: the database was restored from an older backup, and all its doors
stay closed, because what it knows of its other lanes may be as old, until an operator has recovered them.
"""

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition

from samenspel.contracts.canonical import to_lines
from samenspel.contracts.topics import LaneId
from samenspel.messaging.kafka.log_reader import LogReader
from samenspel.runtime import failpoints
from samenspel.runtime.postgres import Connection

PUBLISHED_POSITION = """
select incarnation() as incarnation, l.timeline, p.sequence, p.next_offset, p.cuts
from published p join lane l using (topic, lane) where (p.topic, p.lane) = ($1, $2)
"""
HEAD = "select timeline, sequence from lane where (topic, lane) = ($1, $2)"
JOURNALLED = """
select sequence, sha256(headers) as fingerprint from journal
where (topic, lane, timeline) = ($1, $2, $3) and sequence = any($4::bigint[])
"""
MARK_RECONCILED = "update lane set compared = $3 where (topic, lane) = ($1, $2) and timeline = $4 and compared <> $3"
CLOSE_ALL = "update lane set compared = '' where compared <> ''"
RESET = """
update published set sequence = $4, next_offset = $5, cuts = cuts + ($4 < sequence)::int
where (topic, lane, timeline) = ($1, $2, $3) and (sequence, next_offset, cuts) = ($6, $7, $8)
"""


class DatabaseBehindLog(Exception):
    """Kafka holds events that this database does not know: it was restored from an older backup."""


def fingerprint(record: ConsumerRecord) -> bytes:
    """SHA-256 of the record's header lines: its id and statedigest are among them."""
    return sha256(to_lines(record.headers)).digest()


@dataclass(slots=True)
class LogTail:
    """What Kafka holds of a lane behind the published offset."""

    contiguous: int
    next_offset: int
    highest: int = 0
    fingerprints: dict[int, bytes] = field(default_factory=dict)

    def add(self, record: ConsumerRecord, timeline: int) -> None:
        headers = dict(record.headers)
        theirs = int(headers["ce_timeline"])
        if theirs > timeline:
            raise DatabaseBehindLog(f"Kafka is on timeline {theirs}, the database on {timeline}")
        if theirs < timeline:
            return
        sequence = int(headers["ce_sequence"])
        self.highest = max(self.highest, sequence)
        self.fingerprints.setdefault(sequence, fingerprint(record))
        if sequence == self.contiguous + 1 or self.contiguous < 0:
            self.contiguous, self.next_offset = sequence, record.offset + 1


@dataclass(frozen=True, slots=True)
class Reconciled:
    """A lane whose journal holds all that Kafka holds of it."""

    name: LaneId
    published: Any
    tail: LogTail


async def reconcile(connection: Connection, log_reader: LogReader, name: LaneId) -> Reconciled:
    """Compare one lane with Kafka; changes nothing.

    Raises `Ahead` when its door must stay closed, `LookupError` when Kafka has no such topic.
    """
    failpoints.reached("comparison.standing")
    standing = await connection.fetchrow(PUBLISHED_POSITION, *name)
    assert standing is not None  # a lane and its published row are made together
    tail = await _tail(log_reader, TopicPartition(*name), standing)
    failpoints.reached("comparison.head")
    head = await connection.fetchrow(HEAD, *name)
    assert head is not None
    if tail.highest > head["sequence"]:
        raise DatabaseBehindLog(f"Kafka holds event {tail.highest}, the journal ends at {head['sequence']}")
    await require_same_events(connection, name, standing["timeline"], tail.fingerprints)
    return Reconciled(name, standing, tail)


async def mark_reconciled(connection: Connection, compared: Reconciled) -> None:
    """Set how far the lane is published, and open its door."""
    standing, tail = compared.published, compared.tail
    failpoints.reached("comparison.reset")
    await connection.execute(
        RESET,
        *compared.name,
        standing["timeline"],
        max(0, tail.contiguous),
        tail.next_offset,
        standing["sequence"],
        standing["next_offset"],
        standing["cuts"],
    )
    failpoints.reached("comparison.open")
    await connection.execute(MARK_RECONCILED, *compared.name, standing["incarnation"], standing["timeline"])


async def close_all_lanes(connection: Connection) -> None:
    """Nothing may be published until every lane has been compared: this database is older than Kafka."""
    await connection.execute(CLOSE_ALL)


async def _tail(log_reader: LogReader, partition: TopicPartition, standing: Any) -> LogTail:
    start, end = await log_reader.bounds(partition)
    published, next_offset, timeline = standing["sequence"], standing["next_offset"], standing["timeline"]
    if start >= next_offset:
        # Nothing of ours was lost: what was published has expired, or nothing ever was.
        tail = LogTail(published, max(next_offset, start))
        begin = start
    elif (begin := await offset_after_published(log_reader, partition, standing, start, end)) == next_offset:
        tail = LogTail(published, next_offset)
    else:
        tail = LogTail(-1 if start else 0, start)
    async with aclosing(log_reader.records(partition, begin, end)) as records:
        async for record in records:
            tail.add(record, timeline)
    return tail


async def offset_after_published(
    log_reader: LogReader, partition: TopicPartition, standing: Any, start: int, end: int
) -> int:
    """The offset behind what was published, or the log's start when another record lies there."""
    published, next_offset, timeline = standing["sequence"], standing["next_offset"], standing["timeline"]
    if start < next_offset <= end and await holds_event(log_reader, partition, next_offset - 1, timeline, published):
        return int(next_offset)
    return start


async def holds_event(
    log_reader: LogReader, partition: TopicPartition, offset: int, timeline: int, sequence: int
) -> bool:
    record = await log_reader.record_at(partition, offset)
    if record is None:
        return False
    headers = dict(record.headers)
    return (int(headers["ce_timeline"]), int(headers["ce_sequence"])) == (timeline, sequence)


async def require_same_events(
    connection: Connection, name: LaneId, timeline: int, fingerprints: Mapping[int, bytes]
) -> None:
    """Raises `Ahead` unless the journal has these events, by sequence, with these headers."""
    failpoints.reached("comparison.same-events")
    rows = await connection.fetch(JOURNALLED, *name, timeline, sorted(fingerprints))
    ours = {row["sequence"]: row["fingerprint"] for row in rows}
    for sequence, theirs in fingerprints.items():
        if ours.get(sequence) != theirs:
            raise DatabaseBehindLog(f"event {sequence} is another in Kafka than in the journal")
