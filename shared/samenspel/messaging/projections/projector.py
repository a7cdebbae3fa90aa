"""The consumer: applies the canonical events of others to a copy of their aggregates, by the law of lanes.

State and position move in one transaction. What cannot be projected is kept raw all the same: it advances position
and digest, its subject is marked stale, and the next whole state heals it.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import structlog
from aiokafka import ConsumerRecord, TopicPartition
from pydantic import ValidationError

from samenspel.contracts.canonical import CanonicalEvent, read
from samenspel.contracts.catalogue import AGGREGATES, AggregateRef
from samenspel.contracts.sequencing import Position
from samenspel.contracts.topics import LaneId
from samenspel.messaging.errors import TRANSIENT
from samenspel.messaging.kafka.consumer import PartitionConsumer
from samenspel.messaging.kafka.log_reader import LogReader
from samenspel.messaging.projections import checkpoints
from samenspel.messaging.projections.batch import ProjectionBatch
from samenspel.runtime import failpoints
from samenspel.runtime.bulk_parameters import as_arrays
from samenspel.runtime.metrics import REBUILT
from samenspel.runtime.postgres import Connection, Pool

log = structlog.get_logger()

PAUSE_SECONDS: Final = 0.2
FORGET_SECONDS_MAX: Final = 600.0
UNHURRIED: Final = "set local transaction_timeout = 0"

HASHES = """
select aggregate, subject, topic, lane, hash from projection
where (aggregate, subject) in (select * from unnest($1::text[], $2::text[]))
order by aggregate, subject for update
"""
SAVE = """
insert into projection (aggregate, subject, topic, lane, value, hash, stale)
select * from unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::bytea[], $6::bytea[], $7::bool[])
on conflict (aggregate, subject) do update set
  value = excluded.value, hash = excluded.hash, stale = excluded.stale
"""
FORGET = "delete from projection where (topic, lane) = ($1, $2)"
REMOVE = "delete from projection where (aggregate, subject) in (select * from unnest($1::text[], $2::text[]))"


class ProjectionListener(Protocol):
    """What a service does besides keeping the copy, in the same transaction: the notifier keeps its feed so."""

    async def applied(self, connection: Connection, events: Sequence[CanonicalEvent]) -> None: ...


class Projector:
    """Handles what the reader brings of the canonical topics. ``settled`` is called after each commit."""

    def __init__(
        self,
        pool: Pool,
        log_reader: LogReader,
        on_commit: Callable[[int], None],
        follower: ProjectionListener | None = None,
    ) -> None:
        self._pool = pool
        self._probe = log_reader
        self._on_commit = on_commit
        self._listener = follower
        self._in_gap: set[LaneId] = set()
        self.stalled: set[str] = set()
        self.rebuilding: dict[str, int] = {}
        """Lanes of which this copy is being made again, and the timeline that it is made of."""
        self.diverged: dict[str, int] = {}

    async def resume_offset(self, partition: TopicPartition) -> int:
        """The offset from which to read: behind the last applied record, or the log's start when that is another."""
        name = partition.topic, partition.partition
        async with self._pool.acquire() as connection:
            position = await checkpoints.load(connection, name)
        start, end = await self._probe.bounds(partition)
        if not start <= position.last_offset < end:
            return start
        record = await self._probe.record_at(partition, position.last_offset)
        return position.last_offset + 1 if record and _stands_at(record, position) else start

    async def __call__(self, reader: PartitionConsumer, records: Sequence[ConsumerRecord]) -> None:
        events = [event for event in map(_event_in, records) if event is not None]
        try:
            work = await self._apply(events)
        except Exception as error:
            # What passes is a warning; anything else is our fault, said aloud at every try, and skips nothing.
            say = log.warning if isinstance(error, TRANSIENT) else log.exception
            say("events not applied; read again", events=len(events), error=error)
            await asyncio.sleep(PAUSE_SECONDS)
            for partition in {TopicPartition(record.topic, record.partition) for record in records}:
                reader.reset_position(partition)
        else:
            self._update_state(reader, work, records)
            self._on_commit(len(work.events))

    async def _apply(self, events: Sequence[CanonicalEvent]) -> ProjectionBatch:
        failpoints.reached("projector.begin")
        async with self._pool.acquire() as connection, connection.transaction():
            locked = await checkpoints.lock(connection, {(event.topic, event.lane) for event in events})
            hashes = await self._hashes(connection, {(event.aggregate, event.subject) for event in events})
            work = ProjectionBatch(locked, hashes)
            for event in events:
                work.apply(event)
            await self._save(connection, work)
            failpoints.reached("projector.commit")
        return work

    async def _hashes(
        self, connection: Connection, references: set[AggregateRef]
    ) -> dict[tuple[LaneId, AggregateRef], int]:
        failpoints.reached("projector.hashes")
        rows = await connection.fetch(HASHES, *as_arrays(sorted(references), 2))
        return {
            ((row["topic"], row["lane"]), (row["aggregate"], row["subject"])): int.from_bytes(row["hash"], "big")
            for row in rows
        }

    async def _save(self, connection: Connection, work: ProjectionBatch) -> None:
        if not work.events:
            return
        rows = [
            _row_of(event, work.hashes[(event.topic, event.lane), reference])
            for reference, event in sorted(work.latest.items())
        ]
        kept = [row for row in rows if any(row[5])]
        gone = [(row[0], row[1]) for row in rows if not any(row[5])]
        if work.restarted:
            await connection.execute(UNHURRIED)
        for name in sorted(work.restarted):
            await connection.execute(FORGET, *name, timeout=FORGET_SECONDS_MAX)
        failpoints.reached("projector.save")
        await connection.execute(SAVE, *as_arrays(kept, 7))
        if gone:
            await connection.execute(REMOVE, *as_arrays(gone, 2))
        if self._listener is not None:
            await self._listener.applied(connection, work.events)
        await checkpoints.save(connection, work.positions, work.diverged)

    def _update_state(
        self, reader: PartitionConsumer, work: ProjectionBatch, records: Sequence[ConsumerRecord]
    ) -> None:
        """A hole is read once more from our own place; one that is in the log itself is read past."""
        for name in work.positions:
            partition, label = TopicPartition(*name), f"{name[0]}/{name[1]}"
            if timeline := work.restarted.get(name):
                log.error("the owner started this lane anew; this copy is made again", lane=label, timeline=timeline)
                self.rebuilding[label] = timeline
                REBUILT.inc()
            if label in self.rebuilding and self._at_end(reader, partition, records):
                del self.rebuilding[label]
            if name not in work.gaps:
                if any((event.topic, event.lane) == name for event in work.events):
                    self._in_gap.discard(name)
                    self.stalled.discard(label)
            elif name not in self._in_gap:
                self._in_gap.add(name)
                reader.reset_position(partition)
            elif self._at_end(reader, partition, records):
                log.error("events are missing in the log", lane=label, after=work.positions[name].sequence)
                self.stalled.add(label)
        self.diverged.update({f"{topic}/{lane}": at for (topic, lane), at in work.diverged.items()})

    def _at_end(
        self, reader: PartitionConsumer, partition: TopicPartition, records: Sequence[ConsumerRecord]
    ) -> bool:
        last = max(record.offset for record in records if (record.topic, record.partition) == partition)
        return bool(last + 1 >= (reader.highwater(partition) or 0))


def _event_in(record: ConsumerRecord) -> CanonicalEvent | None:
    try:
        return read(record.topic, record.partition, record.offset, record.headers, record.value)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        # Only the owner can write here: this is its fault, or ours; the sequence rule shows what it cost.
        log.error("no canonical event", topic=record.topic, offset=record.offset, error=error)
        return None


def _stands_at(record: ConsumerRecord, position: Position) -> bool:
    event = _event_in(record)
    return event is not None and (event.timeline, event.sequence) == (position.timeline, position.sequence)


def _row_of(event: CanonicalEvent, new_hash: int) -> tuple[Any, ...]:
    return (
        event.aggregate,
        event.subject,
        event.topic,
        event.lane,
        event.value,
        new_hash.to_bytes(32, "big"),
        not _fits(event),
    )


def _fits(event: CanonicalEvent) -> bool:
    """Whether we can read the state. A kind that we do not know is kept raw, and is not stale for that."""
    aggregate = AGGREGATES.get(event.aggregate)
    if aggregate is None:
        return True
    try:
        # A field that came later is no reason to distrust the state.
        aggregate.model.model_validate_json(event.value, extra="ignore")
    except ValidationError as error:
        log.error("state cannot be projected", subject=event.subject, type=event.type, problems=error.error_count())
        return False
    return True
