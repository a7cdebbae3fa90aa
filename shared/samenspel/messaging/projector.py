"""The consumer: applies the canonical events of others to a copy of their aggregates, by the law of lanes.

State and position move in one transaction. What cannot be projected is kept raw all the same: it advances position
and digest, its subject is marked stale, and the next whole state heals it.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import structlog
from aiokafka import ConsumerRecord, TopicPartition
from pydantic import ValidationError

from samenspel.contracts.canonical import CanonicalEvent, read
from samenspel.contracts.catalogue import AGGREGATES
from samenspel.contracts.digest import REMOVED, state_hash
from samenspel.messaging import points, positions
from samenspel.messaging.errors import PASSING
from samenspel.messaging.lanes import LaneName, columns
from samenspel.messaging.law import Position, Verdict, advance, is_removal, judge
from samenspel.messaging.probe import Probe
from samenspel.messaging.reader import LaneReader
from samenspel.messaging.states import Reference
from samenspel.runtime.postgres import Connection, Pool

log = structlog.get_logger()

PAUSE_SECONDS: Final = 0.2

HASHES = """
select aggregate, subject, hash from projection
where (aggregate, subject) in (select * from unnest($1::text[], $2::text[]))
order by aggregate, subject for update
"""
SAVE = """
insert into projection (aggregate, subject, topic, lane, value, hash, stale)
select * from unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::bytea[], $6::bytea[], $7::bool[])
on conflict (aggregate, subject) do update set
  value = excluded.value, hash = excluded.hash, stale = excluded.stale
"""
REMOVE = "delete from projection where (aggregate, subject) in (select * from unnest($1::text[], $2::text[]))"


class Follower(Protocol):
    """What a service does besides keeping the copy, in the same transaction: the notifier keeps its feed so."""

    async def applied(self, connection: Connection, events: Sequence[CanonicalEvent]) -> None: ...


@dataclass(slots=True)
class Application:
    """What a batch does to the copy: positions, hashes, and the latest event of each aggregate."""

    positions: dict[LaneName, Position]
    hashes: dict[Reference, int]
    events: list[CanonicalEvent] = field(default_factory=list)
    latest: dict[Reference, CanonicalEvent] = field(default_factory=dict)
    diverged: dict[LaneName, int] = field(default_factory=dict)
    holes: set[LaneName] = field(default_factory=set)
    renewed: set[LaneName] = field(default_factory=set)

    def take(self, event: CanonicalEvent) -> None:
        """Apply one event if the law says so."""
        name = event.topic, event.lane
        verdict = judge(self.positions[name], event.timeline, event.sequence)
        if verdict is Verdict.APPLY:
            self._apply(name, event)
        elif verdict is Verdict.HOLE:
            self.holes.add(name)
        elif verdict is Verdict.NEW_TIMELINE:
            self.renewed.add(name)

    def _apply(self, name: LaneName, event: CanonicalEvent) -> None:
        reference = event.aggregate, event.subject
        removed = is_removal(event.value)
        new = REMOVED if removed else state_hash(event.aggregate.encode(), event.subject.encode(), event.value)
        after = advance(self.positions[name], event, self.hashes.get(reference, REMOVED), new)
        if after.digest != event.statedigest:
            self.diverged.setdefault(name, event.sequence)
        self.positions[name] = after
        self.hashes[reference] = new
        self.latest[reference] = event
        self.events.append(event)


class Projector:
    """Handles what the reader brings of the canonical topics. ``settled`` is called after each commit."""

    def __init__(
        self, pool: Pool, probe: Probe, settled: Callable[[int], None], follower: Follower | None = None
    ) -> None:
        self._pool = pool
        self._probe = probe
        self._settled = settled
        self._follower = follower
        self._in_hole: set[LaneName] = set()
        self.stalled: set[str] = set()
        self.diverged: dict[str, int] = {}

    async def open_lane(self, partition: TopicPartition) -> int:
        """The offset from which to read: behind the last applied record, or the log's start when that is another."""
        name = partition.topic, partition.partition
        async with self._pool.acquire() as connection:
            position = await positions.find(connection, name)
        start, end = await self._probe.bounds(partition)
        if not start <= position.last_offset < end:
            return start
        record = await self._probe.record_at(partition, position.last_offset)
        return position.last_offset + 1 if record and _stands_at(record, position) else start

    async def __call__(self, reader: LaneReader, records: Sequence[ConsumerRecord]) -> None:
        events = [event for event in map(_event_in, records) if event is not None]
        try:
            work = await self._apply(events)
        except Exception as error:
            # What passes is a warning; anything else is our fault, said aloud at every try, and skips nothing.
            say = log.warning if isinstance(error, PASSING) else log.exception
            say("events not applied; read again", events=len(events), error=repr(error))
            await asyncio.sleep(PAUSE_SECONDS)
            for partition in {TopicPartition(record.topic, record.partition) for record in records}:
                reader.reopen(partition)
        else:
            self._watch(reader, work, records)
            self._settled(len(work.events))

    async def _apply(self, events: Sequence[CanonicalEvent]) -> Application:
        points.reached("projector.begin")
        async with self._pool.acquire() as connection, connection.transaction():
            locked = await positions.lock(connection, {(event.topic, event.lane) for event in events})
            hashes = await self._hashes(connection, {(event.aggregate, event.subject) for event in events})
            work = Application(locked, hashes)
            for event in events:
                work.take(event)
            await self._save(connection, work)
            points.reached("projector.commit")
        return work

    async def _hashes(self, connection: Connection, references: set[Reference]) -> dict[Reference, int]:
        points.reached("projector.hashes")
        rows = await connection.fetch(HASHES, *columns(sorted(references), 2))
        return {(row["aggregate"], row["subject"]): int.from_bytes(row["hash"], "big") for row in rows}

    async def _save(self, connection: Connection, work: Application) -> None:
        if not work.events:
            return
        rows = [_row_of(event, work.hashes[reference]) for reference, event in sorted(work.latest.items())]
        kept = [row for row in rows if any(row[5])]
        gone = [(row[0], row[1]) for row in rows if not any(row[5])]
        points.reached("projector.save")
        await connection.execute(SAVE, *columns(kept, 7))
        if gone:
            await connection.execute(REMOVE, *columns(gone, 2))
        if self._follower is not None:
            await self._follower.applied(connection, work.events)
        await positions.move(connection, work.positions, work.diverged)

    def _watch(self, reader: LaneReader, work: Application, records: Sequence[ConsumerRecord]) -> None:
        """A hole is read once more from our own place; one that is in the log itself is read past."""
        for name in work.positions:
            partition, label = TopicPartition(*name), f"{name[0]}/{name[1]}"
            if name in work.renewed:
                log.error("the owner started this lane anew; rebuild this copy", lane=label)
                self.stalled.add(label)
            elif name not in work.holes:
                if any((event.topic, event.lane) == name for event in work.events):
                    self._in_hole.discard(name)
                    self.stalled.discard(label)
            elif name not in self._in_hole:
                self._in_hole.add(name)
                reader.reopen(partition)
            elif self._at_end(reader, partition, records):
                log.error("events are missing in the log", lane=label, after=work.positions[name].sequence)
                self.stalled.add(label)
        self.diverged.update({f"{topic}/{lane}": at for (topic, lane), at in work.diverged.items()})

    def _at_end(self, reader: LaneReader, partition: TopicPartition, records: Sequence[ConsumerRecord]) -> bool:
        last = max(record.offset for record in records if (record.topic, record.partition) == partition)
        return bool(last + 1 >= (reader.highwater(partition) or 0))


def _event_in(record: ConsumerRecord) -> CanonicalEvent | None:
    try:
        return read(record.topic, record.partition, record.offset, record.headers, record.value)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        # Only the owner can write here: this is its fault, or ours; the sequence rule shows what it cost.
        log.error("no canonical event", topic=record.topic, offset=record.offset, error=repr(error))
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
