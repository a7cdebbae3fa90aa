"""Operations on the lanes of a service: list, recover from Kafka, and start a new timeline."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from samenspel.contracts.integers import read_lane_number
from samenspel.contracts.submission_hashes import HashKeys
from samenspel.contracts.topics import RECEIPTS, LaneId
from samenspel.messaging.decisions.decider import Decider
from samenspel.messaging.kafka.log_reader import LogReader
from samenspel.messaging.outbox import journal
from samenspel.messaging.outbox.reconciler import Reconciler
from samenspel.messaging.recovery.lane_recovery import LaneReplay, Recovered, recover_lane
from samenspel.messaging.recovery.replay import EventReplay, receipt_replay
from samenspel.messaging.recovery.timelines import start_new_timeline
from samenspel.runtime.postgres import Connection, Pool

log = structlog.get_logger()

LIST: Final = """
select l.topic || '/' || l.lane as lane, l.timeline, l.sequence, p.sequence as published,
  l.sequence - p.sequence as behind, l.reconciled = (select incarnation()) as open
from lane l join relay_progress p using (topic, lane) order by l.topic, l.lane
"""
NOT_YET: Final = "not reconciled with Kafka yet"
BEHIND: Final = "the database is behind Kafka on another lane"
RECORD: Final = "insert into lane_action (action, operator, why, detail) values ($1, $2, $3, $4)"


@dataclass(frozen=True, slots=True)
class LaneOperations:
    """Lane operations of one service.

    ``log_reader`` makes a new `LogReader` per operation. ``on_change`` is called after each operation.
    """

    pool: Pool
    log_reader: Callable[[], LogReader]
    reconciler: Reconciler
    decider: Decider
    owns: Sequence[str]
    lane_count: int
    on_change: Callable[[], None]
    hash_keys: HashKeys = field(default_factory=HashKeys)

    async def lanes(self) -> list[dict[str, Any]]:
        """Every lane: timeline, sequence, published sequence, ``open`` for writes, and the ``reason`` if not open."""
        async with self.pool.acquire() as connection:
            rows = await connection.fetch(LIST)
        return [{**dict(row), "reason": self._reason(row["lane"], row["open"])} for row in rows]

    async def recover(self, operator: str, *, dry_run: bool) -> list[Recovered]:
        """Recover every lane from Kafka; with ``dry_run`` all changes are rolled back.

        Raises `NotRecoverable` or `LookupError`. The lanes before the failed lane then stay recovered.
        """
        async with self._session() as (connection, log_reader):
            trial = connection.transaction()
            if dry_run:
                await trial.start()
            try:
                recovered = [each async for each in self._recover(connection, log_reader)]
                if not dry_run:
                    await self._record(connection, "recover", operator, "", _summary(recovered))
            finally:
                if dry_run:
                    await trial.rollback()
        return recovered

    async def new_timeline(self, operator: str, lane: str, why: str) -> int:
        """Start a new timeline on this lane, irreversibly. Returns the number of the timeline.

        Raises `Recoverable` or `LookupError`.
        """
        name = parse_lane(lane)
        async with self._session() as (connection, log_reader), connection.transaction():
            timeline = await start_new_timeline(connection, log_reader, name, self._replay(name[0]))
            await self._record(connection, "new-timeline", operator, why, f"{lane} is on timeline {timeline}")
        return timeline

    async def _recover(self, connection: Connection, log_reader: LogReader) -> AsyncIterator[Recovered]:
        """Recover canonical lanes before receipts, because accepted answers count only with their events."""
        canonical = [(topic, lane) for topic in self.owns for lane in range(self.lane_count)]
        receipts = [(topic, 0) for topic in await log_reader.topics(f"{RECEIPTS}.{self.decider.domain}.")]
        await journal.ensure(connection, [*canonical, *receipts])
        for name in [*canonical, *receipts]:
            lane = await recover_lane(connection, log_reader, name, self._replay(name[0]))
            if lane.after > lane.before:
                log.warning("lane recovered from Kafka", lane=lane.lane, before=lane.before, after=lane.after)
            yield lane

    def _replay(self, topic: str) -> LaneReplay:
        return LaneReplay(EventReplay(self.decider).apply) if topic in self.owns else receipt_replay(self.hash_keys)

    def _reason(self, lane: str, is_open: bool) -> str:
        closed = BEHIND if self.reconciler.needs_recovery else NOT_YET
        return self.reconciler.closed_lanes.get(lane, "" if is_open else closed)

    async def _record(self, connection: Connection, action: str, operator: str, why: str, detail: str) -> None:
        await connection.execute(RECORD, action, operator, why, detail)
        log.warning("operator changed lanes", action=action, operator=operator, why=why, detail=detail)

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[tuple[Connection, LogReader]]:
        log_reader = self.log_reader()
        try:
            async with self.pool.acquire() as connection:
                yield connection, log_reader
        finally:
            await log_reader.close()
            self.reconciler.reconcile_soon()
            self.on_change()


def _summary(recovered: Sequence[Recovered]) -> str:
    """Sequences before and after the recovery, of the lanes that changed."""
    changed = [f"{each.lane}: {each.before} to {each.after}" for each in recovered if each.after > each.before]
    return "; ".join(changed) or "no events were missing"


def parse_lane(label: str) -> LaneId:
    """Topic and lane of a label such as ``samenspel.initiatives/3``. Raises `LookupError`."""
    topic, _, number = label.rpartition("/")
    try:
        if topic:
            return topic, read_lane_number(number)
    except ValueError:
        pass
    raise LookupError(f"{label!r} is not a lane: write the lane as topic/number")
