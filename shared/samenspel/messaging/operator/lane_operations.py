"""Upkeep: what an operator sees of a service's lanes, and what can be done when they and Kafka have come apart."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import structlog

from samenspel.contracts.topics import RECEIPTS, LaneName
from samenspel.messaging.decisions.decider import Handlers
from samenspel.messaging.kafka.log_reader import Probe
from samenspel.messaging.outbox import journal as lanes
from samenspel.messaging.outbox.reconciler import Gate
from samenspel.messaging.recovery import replay
from samenspel.messaging.recovery.lane_recovery import Fold, Recovered, recover_lane
from samenspel.messaging.recovery.replay import FactsFold
from samenspel.messaging.recovery.timelines import start_anew
from samenspel.runtime.postgres import Connection, Pool

log = structlog.get_logger()

LIST: Final = """
select l.topic || '/' || l.lane as lane, l.timeline, l.sequence, p.sequence as published,
  l.sequence - p.sequence as behind, l.compared = incarnation() as open
from lane l join published p using (topic, lane) order by l.topic, l.lane
"""
RECORD: Final = "insert into lane_action (action, operator, why, detail) values ($1, $2, $3, $4)"


@dataclass(frozen=True, slots=True)
class Upkeep:
    """Of one service. ``probe`` makes a look into Kafka of its own; ``changed`` is called after each commit."""

    pool: Pool
    probe: Callable[[], Probe]
    gate: Gate
    handlers: Handlers
    owns: Sequence[str]
    lane_count: int
    changed: Callable[[], None]

    async def lanes(self) -> list[dict[str, Any]]:
        """Every lane: timeline, sequence, how far it is published, and its door; ``reason`` when that is closed."""
        async with self.pool.acquire() as connection:
            rows = await connection.fetch(LIST)
        waiting = "not compared with Kafka yet"
        return [
            {**dict(row), "reason": self.gate.closed.get(row["lane"], "" if row["open"] else self._why() or waiting)}
            for row in rows
        ]

    async def recover(self, operator: str, *, dry_run: bool) -> list[Recovered]:
        """Bring back what Kafka holds of any lane and the database does not; ``dry_run`` rolls it back again.

        Raises `Impossible` or `LookupError`; the lanes before the one that it names are recovered then.
        """
        async with self._looking() as (connection, probe):
            trial = connection.transaction()
            if dry_run:
                await trial.start()
            try:
                found = [each async for each in self._recover(connection, probe)]
                if not dry_run:
                    await self._record(connection, "recover", operator, "", _summary(found))
            finally:
                if dry_run:
                    await trial.rollback()
        return found

    async def new_timeline(self, operator: str, lane: str, why: str) -> int:
        """Start this lane anew, for good; returns its timeline. Raises `Recoverable` or `LookupError`."""
        name = lane_name(lane)
        async with self._looking() as (connection, probe), connection.transaction():
            timeline = await start_anew(connection, probe, name, self._fold(name[0]))
            await self._record(connection, "new-timeline", operator, why, f"{lane} is on timeline {timeline}")
        return timeline

    async def _recover(self, connection: Connection, probe: Probe) -> AsyncIterator[Recovered]:
        """Facts before receipts: what a receipt promises is looked up among them."""
        receipts = await probe.topics(f"{RECEIPTS}.{self.handlers.domain}.")
        facts = [(topic, lane) for topic in self.owns for lane in range(self.lane_count)]
        await lanes.ensure(connection, [*facts, *((topic, 0) for topic in receipts)])
        for name in [*facts, *((topic, 0) for topic in receipts)]:
            found = await recover_lane(connection, probe, name, self._fold(name[0]))
            if found.after > found.before:
                log.warning("lane recovered from Kafka", lane=found.lane, before=found.before, after=found.after)
            yield found

    def _fold(self, topic: str) -> Fold:
        return Fold(FactsFold(self.handlers).take) if topic in self.owns else replay.RECEIPTS

    def _why(self) -> str:
        return "another lane of this database is behind Kafka" if self.gate.is_behind else ""

    async def _record(self, connection: Connection, action: str, operator: str, why: str, detail: str) -> None:
        await connection.execute(RECORD, action, operator, why, detail)
        log.warning("operator acts on lanes", action=action, operator=operator, why=why, detail=detail)

    @asynccontextmanager
    async def _looking(self) -> AsyncIterator[tuple[Connection, Probe]]:
        probe = self.probe()
        try:
            async with self.pool.acquire() as connection:
                yield connection, probe
        finally:
            await probe.close()
            self.gate.compare_now()
            self.changed()


def _summary(found: Sequence[Recovered]) -> str:
    """What came back, lane by lane."""
    moved = [f"{each.lane}: {each.before} to {each.after}" for each in found if each.after > each.before]
    return "; ".join(moved) or "nothing was missing"


def lane_name(label: str) -> LaneName:
    """``samenspel.initiatives/3`` as topic and lane. Raises `LookupError`."""
    topic, _, number = label.rpartition("/")
    if not (topic and number.isdecimal()):
        raise LookupError(f"{label!r} is no lane: name it as topic/number")
    return topic, int(number)
