"""The projector applies the canonical events of other services to a projection, by the law of lanes.

State and checkpoint change in one transaction. A state that this version cannot read is stored raw: the event
advances position and digest, and the projected aggregate is marked stale. The next readable state of the aggregate
clears the mark, because every event carries the whole state.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final, Protocol

import structlog
from aiokafka import ConsumerRecord, TopicPartition
from pydantic import ValidationError

from samenspel.contracts.canonical import CanonicalEvent
from samenspel.contracts.catalogue import AGGREGATES, AggregateRef
from samenspel.contracts.sequencing import Position
from samenspel.contracts.topics import LaneId, lane_label
from samenspel.messaging.errors import TRANSIENT
from samenspel.messaging.kafka.consumer import PartitionConsumer
from samenspel.messaging.kafka.log_reader import LogReader, RecordOrError
from samenspel.messaging.projections import checkpoints, foreign_records, tails
from samenspel.messaging.projections.batch import FOREIGN, OTHER_LANE, Divergence, ProjectionBatch
from samenspel.messaging.projections.checkpoints import Reading, ReadPosition
from samenspel.messaging.projections.foreign_records import ForeignRecords, event_in
from samenspel.runtime import failpoints
from samenspel.runtime.bulk_parameters import as_arrays
from samenspel.runtime.metrics import LANES_REBUILT
from samenspel.runtime.postgres import Connection, Pool

log = structlog.get_logger()

PAUSE_SECONDS: Final = 0.2
DELETE_LANE_SECONDS_MAX: Final = 600.0
NO_TIMEOUT: Final = "set local transaction_timeout = 0"

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
DELETE_LANE = "delete from projection where (topic, lane) = ($1, $2)"
REMOVE = "delete from projection where (aggregate, subject) in (select * from unnest($1::text[], $2::text[]))"


class ProjectionListener(Protocol):
    """A service's own handling of applied events, in the projector's transaction; the notifier writes its feed."""

    async def applied(self, connection: Connection, events: Sequence[CanonicalEvent]) -> None: ...

    async def log_replaced(self, pool: Pool, lanes: Collection[LaneId]) -> None:
        """Called before the logs of lanes are read again from their start: offsets may mean other records now."""


class Projector:
    """Batch handler for the canonical topics; ``on_commit`` is called with the applied events."""

    def __init__(
        self,
        pool: Pool,
        log_reader: LogReader,
        on_commit: Callable[[Sequence[CanonicalEvent]], None],
        listener: ProjectionListener | None = None,
    ) -> None:
        self._pool = pool
        self._log_reader = log_reader
        self._on_commit = on_commit
        self._listener = listener
        self._in_gap: set[LaneId] = set()
        self.stalled: set[str] = set()
        """Lanes with a gap in the log itself, by lane label."""
        self.rebuilding: dict[str, int] = {}
        """Lanes under reconstruction after a new timeline, with the number of the timeline."""
        self.diverged: dict[LaneId, Divergence] = {}
        """Lanes with an event that does not fit, as last seen by any instance."""

    async def resume_offsets(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int | Exception]:
        """Return the offset to read each lane from: after the last applied record, or the error of that lane.

        The offset is the start of the log when that record is gone or another record has its offset.
        """
        async with self._pool.acquire() as connection:
            stored = await checkpoints.load(connection, {(each.topic, each.partition) for each in partitions})
        bounds = await self._log_reader.bounds_of(partitions)
        found: dict[TopicPartition, int | Exception] = {}
        kept: dict[TopicPartition, int] = {}
        starts: dict[TopicPartition, int] = {}
        for partition, each in bounds.items():
            last_offset = stored[partition.topic, partition.partition][0].last_offset
            if isinstance(each, Exception):
                found[partition] = each
            elif each[0] <= last_offset < each[1]:
                starts[partition], kept[partition] = each[0], last_offset
            else:
                found[partition] = each[0]
        last, first = await self._log_reader.records_at(kept), await self._log_reader.records_at(starts)
        for partition, start in starts.items():
            lane = stored[partition.topic, partition.partition]
            found[partition] = await self._resume(partition, *lane, start, last[partition], first[partition])
        found |= await tails.offsets_after(self._pool, self._log_reader, bounds, found)
        names = {(each.topic, each.partition): offset for each, offset in found.items() if isinstance(offset, int)}
        await checkpoints.begin_reading(self._pool, names)
        replaced = {name for name, offset in names.items() if offset <= stored[name][0].last_offset}
        if replaced and self._listener is not None:
            await self._listener.log_replaced(self._pool, replaced)
        return found

    async def _resume(
        self,
        partition: TopicPartition,
        position: Position,
        identity: str | None,
        start: int,
        last: RecordOrError,
        first: RecordOrError,
    ) -> int | Exception:
        """The offset of a lane that has records at its start and at the offset of the last applied event."""
        for record in (last, first):
            if isinstance(record, Exception):
                return record
        if last is None or not _is_last_applied(last, position):
            return start
        is_known = await self._has_identity(partition, first, identity)
        is_other = self._is_of_other_system((partition.topic, partition.partition))
        return position.last_offset + 1 if is_known and not is_other else start

    async def _has_identity(
        self, partition: TopicPartition, record: ConsumerRecord | None, identity: str | None
    ) -> bool:
        """Whether the log begins with the event of this identity. A cut log begins later, and is not compared.

        A checkpoint of the version before lane identities takes the identity of the log: the digest has shown that
        this log was applied. Two systems with the same states have the same digests, and differ in identity alone.
        """
        first = event_in(record) if record else None
        if first is None or first.sequence != 1:
            return True
        if identity is None:
            await checkpoints.adopt(self._pool, (partition.topic, partition.partition), first.id)
        return identity in (None, first.id)

    def _is_of_other_system(self, name: LaneId) -> bool:
        """Whether the lane was of another system. If the known log is back, its first event ends the divergence."""
        found = self.diverged.get(name)
        return found is not None and found.reason == OTHER_LANE

    async def __call__(self, consumer: PartitionConsumer, records: Sequence[ConsumerRecord]) -> None:
        """Apply a batch. After an error, reset the positions of its partitions so that the batch is read again."""
        events = [event_in(record) for record in records]
        try:
            batch, foreign = await self._apply(records, events)
        except Exception as error:
            # A transient error is a warning. Any other error is a defect: every retry logs it, and skips no event.
            log_failure = log.warning if isinstance(error, TRANSIENT) else log.exception
            log_failure("events not applied; reading them again", events=len(events), error=error)
            await asyncio.sleep(PAUSE_SECONDS)
            for partition in {TopicPartition(record.topic, record.partition) for record in records}:
                consumer.reset_position(partition)
        else:
            _report(foreign)
            self._update_state(consumer, batch, records)
            self._on_commit(batch.events)

    async def _apply(
        self, records: Sequence[ConsumerRecord], read_events: Sequence[CanonicalEvent | None]
    ) -> tuple[ProjectionBatch, ForeignRecords]:
        failpoints.reached("projector.begin")
        read = list(zip(records, read_events, strict=True))
        events = [event for event in read_events if event is not None]
        async with self._pool.acquire() as connection, connection.transaction():
            locked = await checkpoints.lock(connection, {(record.topic, record.partition) for record in records})
            hashes = await self._hashes(connection, {(event.aggregate, event.subject) for event in events})
            foreign = await foreign_records.load(
                connection, {(record.topic, record.partition) for record, event in read if event is None}
            )
            batch = ProjectionBatch(locked.positions, hashes, diverged=locked.diverged, identities=locked.identities)
            for record, event in read:
                fits = _apply_to(batch, foreign, record, event)
                _note(locked.reading, batch, record, fits=fits)
            await self._save(connection, batch, locked.reading)
            await foreign_records.save(connection, foreign)
            failpoints.reached("projector.commit")
        return batch, foreign

    async def _hashes(
        self, connection: Connection, refs: set[AggregateRef]
    ) -> dict[tuple[LaneId, AggregateRef], int]:
        failpoints.reached("projector.hashes")
        rows = await connection.fetch(HASHES, *as_arrays(sorted(refs), 2))
        return {
            ((row["topic"], row["lane"]), (row["aggregate"], row["subject"])): int.from_bytes(row["hash"], "big")
            for row in rows
        }

    async def _save(self, connection: Connection, batch: ProjectionBatch, reading: Reading) -> None:
        if batch.events:
            await self._save_events(connection, batch)
        if batch.changed or reading.changed:
            await checkpoints.save(connection, batch.positions, batch.diverged, batch.identities, reading)

    async def _save_events(self, connection: Connection, batch: ProjectionBatch) -> None:
        rows = [
            _row_of(event, batch.hashes[(event.topic, event.lane), ref])
            for ref, event in sorted(batch.latest.items())
        ]
        present = [row for row in rows if any(row[5])]
        removed = [(row[0], row[1]) for row in rows if not any(row[5])]
        if batch.restarted:
            await connection.execute(NO_TIMEOUT)
        for name in sorted(batch.restarted):
            await connection.execute(DELETE_LANE, *name, timeout=DELETE_LANE_SECONDS_MAX)
        failpoints.reached("projector.save")
        await connection.execute(SAVE, *as_arrays(present, 7))
        if removed:
            await connection.execute(REMOVE, *as_arrays(removed, 2))
        if self._listener is not None:
            await self._listener.applied(connection, batch.events)

    def _update_state(
        self, consumer: PartitionConsumer, batch: ProjectionBatch, records: Sequence[ConsumerRecord]
    ) -> None:
        """Update gauges after a commit, and handle gaps.

        At a gap the projector reads once more from the checkpoint. If the gap is in the log itself, the projector
        reads on, and reports the lane as stalled at the end of the log.
        """
        for name in batch.positions:
            partition, label = TopicPartition(*name), lane_label(name)
            if timeline := batch.restarted.get(name):
                log.error("new timeline; the projection of the lane is rebuilt", lane=label, timeline=timeline)
                self.rebuilding[label] = timeline
                LANES_REBUILT.inc()
            if label in self.rebuilding and self._at_end(consumer, partition, records):
                del self.rebuilding[label]
            if name not in batch.gaps:
                if any((event.topic, event.lane) == name for event in batch.events):
                    self._in_gap.discard(name)
                    self.stalled.discard(label)
            elif name not in self._in_gap:
                self._in_gap.add(name)
                consumer.reset_position(partition)
            elif self._at_end(consumer, partition, records):
                log.error("events are missing in the log", lane=label, after=batch.positions[name].sequence)
                self.stalled.add(label)
        self._update_diverged(batch)

    def _update_diverged(self, batch: ProjectionBatch) -> None:
        for name in batch.positions:
            label, found, before = lane_label(name), batch.diverged.get(name), self.diverged.get(name)
            # Foreign records have a line of their own.
            if found and found != before and not found.is_foreign:
                log.error("lane diverged; its events are not applied", lane=label, reason=found.reason)
            if before and not found:
                log.info("lane is consistent again", lane=label)
        self.diverged = {
            lane: found for lane, found in self.diverged.items() if lane not in batch.positions
        } | batch.diverged

    async def refresh_diverged(self, connection: Connection) -> None:
        """Take over the divergences that any instance has found or seen ended."""
        self.diverged = await checkpoints.diverged(connection)

    def _at_end(
        self, consumer: PartitionConsumer, partition: TopicPartition, records: Sequence[ConsumerRecord]
    ) -> bool:
        last = max(record.offset for record in records if (record.topic, record.partition) == partition)
        return bool(last + 1 >= (consumer.highwater(partition) or 0))


def _apply_to(
    batch: ProjectionBatch, foreign: ForeignRecords, record: ConsumerRecord, event: CanonicalEvent | None
) -> bool:
    """Apply the event in a record: whether the record needs no second reading.

    A record that is no canonical event does not fit either. Reading the record again would not change that.
    """
    if event is not None:
        return batch.apply(event)
    name = record.topic, record.partition
    position = batch.positions[name]
    if record.offset > position.last_offset:
        batch.refuse(name, position.sequence + 1, f"record at offset {record.offset} {FOREIGN}")
        foreign.add(name, record.offset, position.last_offset)
    return True


def _note(reading: Reading, batch: ProjectionBatch, record: ConsumerRecord, *, fits: bool) -> None:
    name = record.topic, record.partition
    applied = fits and batch.positions[name].last_offset == record.offset
    reading.see(name, ReadPosition(record.offset + 1, record.timestamp), applied=applied, fits=fits)


def _report(foreign: ForeignRecords) -> None:
    """One line per new range. The range may grow later; the metric and the table have the number."""
    for name, first_offset in foreign.new:
        log.error(
            "records on a followed lane are no canonical events; the lane is diverged until its next event",
            lane=lane_label(name),
            first_offset=first_offset,
            records=foreign.changed[name, first_offset].records,
            runbook="docs/runbooks/foreign-records.md",
        )


def _is_last_applied(record: ConsumerRecord, position: Position) -> bool:
    event = event_in(record)
    own = position.timeline, position.sequence, position.digest
    return event is not None and (*event.position, event.statedigest) == own


def _row_of(event: CanonicalEvent, new_hash: int) -> tuple[Any, ...]:
    return (
        event.aggregate,
        event.subject,
        event.topic,
        event.lane,
        event.value,
        new_hash.to_bytes(32, "big"),
        not _is_projectable(event),
    )


def _is_projectable(event: CanonicalEvent) -> bool:
    """Whether this version can read the state. An unknown kind of aggregate counts as readable and is stored raw."""
    aggregate = AGGREGATES.get(event.aggregate)
    if aggregate is None:
        return True
    try:
        # Fields of a later version are ignored.
        aggregate.model.model_validate_json(event.value, extra="ignore")
    except ValidationError as error:
        log.error("state cannot be projected", subject=event.subject, type=event.type, problems=error.error_count())
        return False
    return True
