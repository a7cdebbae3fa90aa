"""The reconciler opens lanes for writes once they equal Kafka. A database behind Kafka keeps all lanes closed."""

import asyncio
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any, Final

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from samenspel.contracts.topics import LaneId, lane_label
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
from samenspel.messaging.outbox.unchanged_lanes import find_unchanged, mark_unchanged
from samenspel.runtime import failpoints
from samenspel.runtime.postgres import Pool

log = structlog.get_logger()

CHECK_SECONDS: Final = 2.0
"""Between two checks of the log ends, and between two reconciliations while lanes need recovery."""
QUERY_SECONDS: Final = 0.2
"""Between two queries for unreconciled lanes while other lanes have events to send."""

UNRECONCILED = (
    "select topic, lane, reconciled from lane where reconciled <> (select incarnation()) order by topic, lane"
)
PUBLISHED = """
select p.topic, p.lane, p.timeline, p.sequence, p.next_offset from relay_progress p join lane l using (topic, lane)
where l.reconciled <> '' and p.sequence > 0 order by p.topic, p.lane
"""


class Reconciler:
    """Reconciles lanes on behalf of the relay, and checks the ends of their logs in the background.

    ``on_restart`` is called after Kafka or the database was unreachable, and after the database restarted or was
    restored. Consumers must then read their offsets from the database again.
    """

    def __init__(self, pool: Pool, log_reader: LogReader, on_restart: Callable[[], None]) -> None:
        self._pool = pool
        self._log_reader = log_reader
        self._on_restart = on_restart
        self._reconciled_at = self._queried_at = 0.0
        self._rounds = 0
        self._suspects: set[LaneId] = set()
        self.reconciled: set[LaneId] = set()
        """Lanes that were reconciled since the last error of Kafka or the database."""
        self.closed_lanes: dict[str, str] = {}
        """Reason why a lane stays closed for writes, by lane label."""
        self.log_unreachable = False
        """Whether the last check of the log ends failed."""
        self.needs_recovery = False
        """Whether Kafka has events that the database does not have. An operator must recover the lanes."""

    @property
    def is_due(self) -> bool:
        """Whether to query for unreconciled lanes again, even if other lanes have events to send."""
        return monotonic() >= self._queried_at + QUERY_SECONDS

    async def reconcile_all(self) -> bool:
        """Reconcile every lane that was not reconciled since the database (re)started. True if a lane was opened."""
        if self.needs_recovery and monotonic() < self._reconciled_at + CHECK_SECONDS:
            return False
        self._queried_at = monotonic()
        async with self._pool.acquire() as connection:
            failpoints.reached("relay.unreconciled")
            rows = await connection.fetch(UNRECONCILED)
        if rows:
            await self.reconcile([_name(row) for row in rows])
            self._reconciled_at = monotonic()
            if any(row["reconciled"] for row in rows):
                self._on_restart()
        return any(_name(row) in self.reconciled for row in rows)

    def invalidate(self) -> None:
        """Forget which lanes are reconciled, after an error of Kafka or the database."""
        self.reconciled.clear()
        self._on_restart()

    def reconcile_soon(self) -> None:
        """Make the next `reconcile_all` run without delay, because an operator changed the lanes."""
        self._reconciled_at = 0.0

    async def reconcile(self, names: Sequence[LaneId]) -> None:
        """Open these lanes for writes. If the database is behind Kafka on one lane, close all lanes instead."""
        reconciled: list[Reconciled] = []
        database_behind = False
        async with self._pool.acquire() as connection:
            unchanged = await find_unchanged(connection, self._log_reader, names)
        for name in map(_name, unchanged):
            self.closed_lanes.pop(lane_label(name), None)
        for name in sorted(set(names) - set(map(_name, unchanged))):
            label = lane_label(name)
            try:
                async with self._pool.acquire() as connection:
                    reconciled.append(await reconcile(connection, self._log_reader, name))
                self.closed_lanes.pop(label, None)
            except (DatabaseBehindLog, LookupError) as reason:
                database_behind |= isinstance(reason, DatabaseBehindLog)
                if self.closed_lanes.get(label) != str(reason):
                    log.error("lane not reconciled, so closed for writes", lane=label, reason=str(reason))
                self.closed_lanes[label] = str(reason)
        self.needs_recovery = database_behind
        async with self._pool.acquire() as connection:
            if database_behind:
                return await close_all_lanes(connection)
            await mark_unchanged(connection, unchanged)
            for each in reconciled:
                await mark_reconciled(connection, each)
        self.reconciled.update(map(_name, unchanged), (each.name for each in reconciled))

    async def recheck_suspects(self) -> None:
        """Reconcile the lanes that `check_log_ends` found truncated."""
        suspects, self._suspects = self._suspects, set()
        if suspects:
            await self.reconcile(sorted(suspects))

    async def watch(self) -> None:
        """Check the log ends every `CHECK_SECONDS` until cancelled, in a task apart from the relay."""
        while True:
            try:
                await self.check_log_ends()
                self.log_unreachable = False
            except (KafkaError, *TRANSIENT) as error:
                log.warning("log ends cannot be checked", error=error)
                self.log_unreachable = True
                self.invalidate()
            await asyncio.sleep(CHECK_SECONDS)

    async def check_log_ends(self) -> None:
        """Detect an unreachable broker or a truncated log while the relay is idle.

        Compares the end offset of every lane with the published offset. For one lane per round, also checks that the
        last published record is at its offset: an overtaken relay may have appended a repeat after a truncation.
        """
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(PUBLISHED)
        ends = await self._log_reader.end_offsets([TopicPartition(*_name(row)) for row in rows])
        self._suspects |= {
            _name(row) for row in rows if ends.get(TopicPartition(*_name(row)), 0) < row["next_offset"]
        }
        self._rounds += 1
        if rows and not await self._last_published_is_present(sample := rows[self._rounds % len(rows)]):
            self._suspects.add(_name(sample))

    async def _last_published_is_present(self, row: Any) -> bool:
        """Whether Kafka has the last published event, or has expired the event as an organisation sent nothing."""
        partition, offset = TopicPartition(*_name(row)), row["next_offset"] - 1
        try:
            if await holds_event(self._log_reader, partition, offset, row["timeline"], row["sequence"]):
                return True
            start, _ = await self._log_reader.bounds(partition)
        except LookupError:
            return False  # The topic was deleted a moment ago.
        return bool(offset < start)


def _name(row: Any) -> LaneId:
    return row["topic"], row["lane"]
