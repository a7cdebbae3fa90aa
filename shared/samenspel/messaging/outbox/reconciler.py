"""The gate: opens the doors of lanes that hold what Kafka holds, and keeps all of them shut when one does not."""

import asyncio
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any, Final

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from samenspel.contracts.topics import LaneId
from samenspel.messaging.errors import TRANSIENT
from samenspel.messaging.kafka.log_reader import LogReader
from samenspel.messaging.outbox.reconciliation import (
    DatabaseBehindLog,
    Reconciled,
    close_all_lanes,
    holds_event,
    mark_reconciled,
    reconcile,
)
from samenspel.runtime import failpoints
from samenspel.runtime.postgres import Pool

log = structlog.get_logger()

CHECK_SECONDS: Final = 2.0
ASK_SECONDS: Final = 0.2

UNRECONCILED = "select topic, lane, compared from lane where compared <> incarnation() order by topic, lane"
PUBLISHED = """
select p.topic, p.lane, p.timeline, p.sequence, p.next_offset from published p join lane l using (topic, lane)
where l.compared <> '' and p.sequence > 0 order by p.topic, p.lane
"""


class Reconciler:
    """``restarted`` is called when Kafka or the database was away, or the database is in another life than before.

    Who holds places in memory must then ask it again where they are.
    """

    def __init__(self, pool: Pool, log_reader: LogReader, restarted: Callable[[], None]) -> None:
        self._pool = pool
        self._probe = log_reader
        self._on_restart = restarted
        self._compared_at = self._asked = 0.0
        self._rounds = 0
        self._suspects: set[LaneId] = set()
        self.reconciled: set[LaneId] = set()
        """Since the last time that Kafka's answer was not known."""
        self.closed_lanes: dict[str, str] = {}
        """Why a door stays closed, by lane."""
        self.log_unreachable = False
        """Whether the last look into Kafka failed."""
        self.needs_recovery = False
        """Whether Kafka holds events that the database does not know: an operator must recover it."""

    @property
    def is_due(self) -> bool:
        """Whether it is time to ask for lanes that were not compared, however much there is to send on the others."""
        return monotonic() >= self._asked + ASK_SECONDS

    async def reconcile_all(self) -> bool:
        """Compare what was not compared in this life of the database; whether that opened a door."""
        if self.needs_recovery and monotonic() < self._compared_at + CHECK_SECONDS:
            return False
        self._asked = monotonic()
        async with self._pool.acquire() as connection:
            failpoints.reached("relay.look")
            rows = await connection.fetch(UNRECONCILED)
        if rows:
            await self.reconcile([_name(row) for row in rows])
            self._compared_at = monotonic()
            if any(row["compared"] for row in rows):
                self._on_restart()
        return any(_name(row) in self.reconciled for row in rows)

    def interrupted(self) -> None:
        """Kafka or the database was away: what was known of either may not hold any more."""
        self.reconciled.clear()
        self._on_restart()

    def reconcile_soon(self) -> None:
        """Something has changed: do not wait with the next comparison."""
        self._compared_at = 0.0

    async def reconcile(self, names: Sequence[LaneId]) -> None:
        """Open the doors of these lanes, or of none when one of them is behind Kafka."""
        compared: list[Reconciled] = []
        behind = False
        for name in names:
            label = f"{name[0]}/{name[1]}"
            try:
                async with self._pool.acquire() as connection:
                    compared.append(await reconcile(connection, self._probe, name))
                self.closed_lanes.pop(label, None)
            except (DatabaseBehindLog, LookupError) as reason:
                behind |= isinstance(reason, DatabaseBehindLog)
                if self.closed_lanes.get(label) != str(reason):
                    log.error("door stays closed", lane=label, reason=str(reason))
                self.closed_lanes[label] = str(reason)
        self.needs_recovery = behind
        async with self._pool.acquire() as connection:
            if behind:
                return await close_all_lanes(connection)
            for each in compared:
                await mark_reconciled(connection, each)
                self.reconciled.add(each.name)

    async def recheck_suspects(self) -> None:
        """Compare the lanes that a look has found cut back."""
        doubtful, self._suspects = self._suspects, set()
        if doubtful:
            await self.reconcile(sorted(doubtful))

    async def watch(self) -> None:
        """Look into Kafka now and then, until cancelled; the relay is not held up by it."""
        while True:
            try:
                await self.check_log_ends()
                self.log_unreachable = False
            except (KafkaError, *TRANSIENT) as error:
                log.warning("Kafka cannot be looked into", error=error)
                self.log_unreachable = True
                self.interrupted()
            await asyncio.sleep(CHECK_SECONDS)

    async def check_log_ends(self) -> None:
        """With nothing to send, a Kafka that went away, or a log that was cut back, would go unnoticed.

        Of every lane it looks where it ends, and of one lane, in turn, whether what was published last lies there:
        a relay that was overtaken may have filled the place of what was lost with a repeat.
        """
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(PUBLISHED)
        ends = await self._probe.end_offsets([TopicPartition(*_name(row)) for row in rows])
        self._suspects |= {
            _name(row) for row in rows if ends.get(TopicPartition(*_name(row)), 0) < row["next_offset"]
        }
        self._rounds += 1
        if rows and not await self._last_published_is_present(chosen := rows[self._rounds % len(rows)]):
            self._suspects.add(_name(chosen))

    async def _last_published_is_present(self, row: Any) -> bool:
        place = TopicPartition(*_name(row))
        return await holds_event(self._probe, place, row["next_offset"] - 1, row["timeline"], row["sequence"])


def _name(row: Any) -> LaneId:
    return row["topic"], row["lane"]
