"""Upkeep: what an operator sees of a service's lanes, and what can be done when they and Kafka have come apart."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import structlog

from samenspel.contracts.topics import RECEIPTS, LaneId
from samenspel.messaging.decisions.decider import Decider
from samenspel.messaging.kafka.log_reader import LogReader
from samenspel.messaging.outbox import journal as lanes
from samenspel.messaging.outbox.reconciler import Reconciler
from samenspel.messaging.recovery import replay
from samenspel.messaging.recovery.lane_recovery import LaneReplay, Recovered, recover_lane
from samenspel.messaging.recovery.replay import EventReplay
from samenspel.messaging.recovery.timelines import start_new_timeline
from samenspel.runtime.postgres import Connection, Pool

log = structlog.get_logger()

LIST: Final = """
select l.topic || '/' || l.lane as lane, l.timeline, l.sequence, p.sequence as published,
  l.sequence - p.sequence as behind, l.reconciled = incarnation() as open
from lane l join relay_progress p using (topic, lane) order by l.topic, l.lane
"""
RECORD: Final = "insert into lane_action (action, operator, why, detail) values ($1, $2, $3, $4)"


@dataclass(frozen=True, slots=True)
class LaneOperations:
    """Of one service. ``probe`` makes a look into Kafka of its own; ``changed`` is called after each commit."""

    pool: Pool
    log_reader: Callable[[], LogReader]
    reconciler: Reconciler
    decider: Decider
    owns: Sequence[str]
    lane_count: int
    on_change: Callable[[], None]

    async def lanes(self) -> list[dict[str, Any]]:
        """Every lane: timeline, sequence, how far it is published, and its door; ``reason`` when that is closed."""
        async with self.pool.acquire() as connection:
            rows = await connection.fetch(LIST)
        pending = "not reconciled with Kafka yet"
        return [
            {
                **dict(row),
                "reason": self.reconciler.closed_lanes.get(
                    row["lane"], "" if row["open"] else self._reason_not_reconciled() or pending
                ),
            }
            for row in rows
        ]

    async def recover(self, operator: str, *, dry_run: bool) -> list[Recovered]:
        """Bring back what Kafka holds of any lane and the database does not; ``dry_run`` rolls it back again.

        Raises `Impossible` or `LookupError`; the lanes before the one that it names are recovered then.
        """
        async with self._session() as (connection, log_reader):
            trial = connection.transaction()
            if dry_run:
                await trial.start()
            try:
                found = [each async for each in self._recover(connection, log_reader)]
                if not dry_run:
                    await self._record(connection, "recover", operator, "", _summary(found))
            finally:
                if dry_run:
                    await trial.rollback()
        return found

    async def new_timeline(self, operator: str, lane: str, why: str) -> int:
        """Start this lane anew, for good; returns its timeline. Raises `Recoverable` or `LookupError`."""
        name = parse_lane(lane)
        async with self._session() as (connection, log_reader), connection.transaction():
            timeline = await start_new_timeline(connection, log_reader, name, self._replay(name[0]))
            await self._record(connection, "new-timeline", operator, why, f"{lane} is on timeline {timeline}")
        return timeline

    async def _recover(self, connection: Connection, log_reader: LogReader) -> AsyncIterator[Recovered]:
        """Facts before receipts: what a receipt promises is looked up among them."""
        receipts = await log_reader.topics(f"{RECEIPTS}.{self.decider.domain}.")
        facts = [(topic, lane) for topic in self.owns for lane in range(self.lane_count)]
        await lanes.ensure(connection, [*facts, *((topic, 0) for topic in receipts)])
        for name in [*facts, *((topic, 0) for topic in receipts)]:
            found = await recover_lane(connection, log_reader, name, self._replay(name[0]))
            if found.after > found.before:
                log.warning("lane recovered from Kafka", lane=found.lane, before=found.before, after=found.after)
            yield found

    def _replay(self, topic: str) -> LaneReplay:
        return LaneReplay(EventReplay(self.decider).apply) if topic in self.owns else replay.RECEIPT_REPLAY

    def _reason_not_reconciled(self) -> str:
        return "another lane of this database is behind Kafka" if self.reconciler.needs_recovery else ""

    async def _record(self, connection: Connection, action: str, operator: str, why: str, detail: str) -> None:
        await connection.execute(RECORD, action, operator, why, detail)
        log.warning("operator acts on lanes", action=action, operator=operator, why=why, detail=detail)

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


def _summary(found: Sequence[Recovered]) -> str:
    """What came back, lane by lane."""
    moved = [f"{each.lane}: {each.before} to {each.after}" for each in found if each.after > each.before]
    return "; ".join(moved) or "nothing was missing"


def parse_lane(label: str) -> LaneId:
    """``samenspel.initiatives/3`` as topic and lane. Raises `LookupError`."""
    topic, _, number = label.rpartition("/")
    if not (topic and number.isdecimal()):
        raise LookupError(f"{label!r} is no lane: name it as topic/number")
    return topic, int(number)
