"""The gate: opens the doors of lanes that hold what Kafka holds, and keeps all of them shut when one does not."""

import asyncio
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any, Final

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from samenspel.contracts.topics import LaneName
from samenspel.messaging.errors import PASSING
from samenspel.messaging.kafka.log_reader import Probe
from samenspel.messaging.outbox.reconciliation import Ahead, Compared, compare, is_there, open_door, shut_doors
from samenspel.runtime import failpoints
from samenspel.runtime.postgres import Pool

log = structlog.get_logger()

LOOK_SECONDS: Final = 2.0
ASK_SECONDS: Final = 0.2

UNCOMPARED = "select topic, lane, compared from lane where compared <> incarnation() order by topic, lane"
REACHED = """
select p.topic, p.lane, p.timeline, p.sequence, p.next_offset from published p join lane l using (topic, lane)
where l.compared <> '' and p.sequence > 0 order by p.topic, p.lane
"""


class Gate:
    """``restarted`` is called when Kafka or the database was away, or the database is in another life than before.

    Who holds places in memory must then ask it again where they are.
    """

    def __init__(self, pool: Pool, probe: Probe, restarted: Callable[[], None]) -> None:
        self._pool = pool
        self._probe = probe
        self._restarted = restarted
        self._compared_at = self._asked = 0.0
        self._looks = 0
        self._doubtful: set[LaneName] = set()
        self.compared: set[LaneName] = set()
        """Since the last time that Kafka's answer was not known."""
        self.closed: dict[str, str] = {}
        """Why a door stays closed, by lane."""
        self.is_blind = False
        """Whether the last look into Kafka failed."""
        self.is_behind = False
        """Whether Kafka holds events that the database does not know: an operator must recover it."""

    @property
    def is_due(self) -> bool:
        """Whether it is time to ask for lanes that were not compared, however much there is to send on the others."""
        return monotonic() >= self._asked + ASK_SECONDS

    async def compare_all(self) -> bool:
        """Compare what was not compared in this life of the database; whether that opened a door."""
        if self.is_behind and monotonic() < self._compared_at + LOOK_SECONDS:
            return False
        self._asked = monotonic()
        async with self._pool.acquire() as connection:
            failpoints.reached("relay.look")
            rows = await connection.fetch(UNCOMPARED)
        if rows:
            await self.compare([_name(row) for row in rows])
            self._compared_at = monotonic()
            if any(row["compared"] for row in rows):
                self._restarted()
        return any(_name(row) in self.compared for row in rows)

    def interrupted(self) -> None:
        """Kafka or the database was away: what was known of either may not hold any more."""
        self.compared.clear()
        self._restarted()

    def compare_now(self) -> None:
        """Something has changed: do not wait with the next comparison."""
        self._compared_at = 0.0

    async def compare(self, names: Sequence[LaneName]) -> None:
        """Open the doors of these lanes, or of none when one of them is behind Kafka."""
        compared: list[Compared] = []
        behind = False
        for name in names:
            label = f"{name[0]}/{name[1]}"
            try:
                async with self._pool.acquire() as connection:
                    compared.append(await compare(connection, self._probe, name))
                self.closed.pop(label, None)
            except (Ahead, LookupError) as reason:
                behind |= isinstance(reason, Ahead)
                if self.closed.get(label) != str(reason):
                    log.error("door stays closed", lane=label, reason=str(reason))
                self.closed[label] = str(reason)
        self.is_behind = behind
        async with self._pool.acquire() as connection:
            if behind:
                return await shut_doors(connection)
            for each in compared:
                await open_door(connection, each)
                self.compared.add(each.name)

    async def compare_doubtful(self) -> None:
        """Compare the lanes that a look has found cut back."""
        doubtful, self._doubtful = self._doubtful, set()
        if doubtful:
            await self.compare(sorted(doubtful))

    async def watch(self) -> None:
        """Look into Kafka now and then, until cancelled; the relay is not held up by it."""
        while True:
            try:
                await self.look()
                self.is_blind = False
            except (KafkaError, *PASSING) as error:
                log.warning("Kafka cannot be looked into", error=repr(error))
                self.is_blind = True
                self.interrupted()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """With nothing to send, a Kafka that went away, or a log that was cut back, would go unnoticed.

        Of every lane it looks where it ends, and of one lane, in turn, whether what was published last lies there:
        a relay that was overtaken may have filled the place of what was lost with a repeat.
        """
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(REACHED)
        ends = await self._probe.ends([TopicPartition(*_name(row)) for row in rows])
        self._doubtful |= {
            _name(row) for row in rows if ends.get(TopicPartition(*_name(row)), 0) < row["next_offset"]
        }
        self._looks += 1
        if rows and not await self._last_is_there(chosen := rows[self._looks % len(rows)]):
            self._doubtful.add(_name(chosen))

    async def _last_is_there(self, row: Any) -> bool:
        place = TopicPartition(*_name(row))
        return await is_there(self._probe, place, row["next_offset"] - 1, row["timeline"], row["sequence"])


def _name(row: Any) -> LaneName:
    return row["topic"], row["lane"]
