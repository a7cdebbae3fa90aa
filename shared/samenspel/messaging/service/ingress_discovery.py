"""Discovery of the ingress topics of newly admitted organisations.

The consumer asks Kafka for all topics twice a minute only, because the answer grows with the organisations. Every
service has the admissions in its database. The discovery asks for the missing ingress topics by name, and makes the
consumer ask for all topics once they exist.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Final

import structlog
from aiokafka.errors import KafkaError

from samenspel.contracts.topics import ORGANISATIONS, Domain, ingress
from samenspel.messaging.errors import TRANSIENT
from samenspel.messaging.kafka.consumer import PartitionConsumer
from samenspel.messaging.kafka.log_reader import LogReader
from samenspel.runtime import failpoints
from samenspel.runtime.metrics import INGRESS_UNDISCOVERED
from samenspel.runtime.postgres import Pool

log = structlog.get_logger()

POLL_SECONDS: Final = 0.5
SOON_SECONDS: Final = 60.0
"""An admission creates the topics within this time. Afterwards a missing topic is asked for less often."""
LATER_SECONDS: Final = 10.0

OWN_POSITION: Final = "select sum(timeline) as timelines, sum(sequence) as events from lane where topic = $1"
OWN_ORGANISATIONS: Final = "select subject from aggregate where aggregate = 'organisation.v1' and not removed"
FOLLOWED_POSITION: Final = (
    "select sum(timeline) as timelines, sum(sequence) as events from checkpoint where topic = $1"
)
FOLLOWED_ORGANISATIONS: Final = "select subject from projection where aggregate = 'organisation.v1'"


class IngressDiscovery:
    """``consumers`` returns the present consumers. ``owns_organisations``: the service decides about admissions."""

    def __init__(
        self,
        pool: Pool,
        log_reader: LogReader,
        domain: Domain,
        consumers: Callable[[], Iterable[PartitionConsumer]],
        *,
        owns_organisations: bool,
    ) -> None:
        self._pool = pool
        self._log_reader = log_reader
        self._domain = domain
        self._consumers = consumers
        self._position_sql = OWN_POSITION if owns_organisations else FOLLOWED_POSITION
        self._organisations_sql = OWN_ORGANISATIONS if owns_organisations else FOLLOWED_ORGANISATIONS
        self._position: tuple[int, int] | None = None
        self._admitted: frozenset[str] = frozenset()
        self._missing: dict[str, tuple[float, float]] = {}
        """Missing ingress topics, with the time until which to ask often, and the time to ask next."""

    async def run(self) -> None:
        """Look for new topics until cancelled."""
        while True:
            try:
                await self.look()
            except (KafkaError, *TRANSIENT) as error:
                log.warning("new ingress topics cannot be looked for", error=repr(error))
            await asyncio.sleep(POLL_SECONDS)

    async def look(self) -> None:
        """Ask for the ingress topics that are not read yet, and make the consumers read the existing ones."""
        await self._load_admitted()
        readers = [each for each in self._consumers() if each.discovers_topics and each.subscription()]
        read = set[str]().union(*(each.subscription() for each in readers))
        self._update_missing(self._admitted - read if readers else frozenset())
        due = [topic for topic, (_, at) in self._missing.items() if at <= time.monotonic()]
        if due and await self._log_reader.existing(due):
            for reader in readers:
                reader.refresh_topics()
        self._ask_again(due)

    async def _load_admitted(self) -> None:
        """Load the admitted organisations, if anything was published about organisations since the last time."""
        failpoints.reached("ingress-discovery.position")
        async with self._pool.acquire() as connection:
            row = await connection.fetchrow(self._position_sql, ORGANISATIONS)
            assert row is not None
            position = row["timelines"] or 0, row["events"] or 0
            if position != self._position:
                failpoints.reached("ingress-discovery.organisations")
                rows = await connection.fetch(self._organisations_sql)
                self._admitted = frozenset(ingress(self._domain, each["subject"]) for each in rows)
                self._position = position

    def _update_missing(self, missing: frozenset[str]) -> None:
        now = time.monotonic()
        self._missing = {topic: self._missing.get(topic, (now + SOON_SECONDS, now)) for topic in missing}
        INGRESS_UNDISCOVERED.set(len(missing))

    def _ask_again(self, asked: Iterable[str]) -> None:
        now = time.monotonic()
        for topic in asked:
            often_until, _ = self._missing[topic]
            self._missing[topic] = often_until, now if now < often_until else now + LATER_SECONDS
