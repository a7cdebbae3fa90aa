"""The relay: carries the journal to Kafka, lane by lane, one whole record batch at a time.

Why it is safe without any fence: per lane it sends a prefix of what is not published, appended whole or not at all,
and the next only after the acknowledgement. A relay that dies, wakes up late or never hears the acknowledgement can
only add repeats behind the first occurrence, and readers drop those by the law. The lease only saves the effort.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from time import monotonic
from typing import Any, Final
from uuid import UUID

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from samenspel.contracts.canonical import to_headers
from samenspel.messaging import points
from samenspel.messaging.comparison import Ahead, compare
from samenspel.messaging.errors import PASSING
from samenspel.messaging.lanes import LaneName, columns
from samenspel.messaging.probe import Probe
from samenspel.messaging.producer import Producer
from samenspel.runtime.postgres import Pool

log = structlog.get_logger()

SEND_SECONDS_MAX: Final = 10.0
IDLE_SECONDS, PAUSE_SECONDS, PING_SECONDS = 0.5, 0.2, 2.0

UNCOMPARED = "select topic, lane from lane where compared <> incarnation() order by topic, lane"

# The lease and the progress are hints that may be lost in a crash: both are made durable lazily.
LAZILY = "set local synchronous_commit = off"
CLAIM = """
update published p set holder = $1, held_until = clock_timestamp() + interval '2 seconds'
from lane l where (l.topic, l.lane) = (p.topic, p.lane) and l.compared = incarnation()
  and l.sequence > p.sequence and (p.holder = $1 or p.held_until < clock_timestamp())
returning p.topic, p.lane, p.timeline, p.sequence, p.next_offset
"""
UNPUBLISHED = """
select p.topic, p.lane, j.sequence, j.key, j.headers, j.value
from unnest($1::text[], $2::int[], $3::int[], $4::bigint[]) as p (topic, lane, timeline, sequence)
cross join lateral (
  select j.sequence, j.key, j.headers, j.value from journal j
  where (j.topic, j.lane, j.timeline) = (p.topic, p.lane, p.timeline) and j.sequence > p.sequence
  order by j.sequence limit 500) j
order by p.topic, p.lane, j.sequence
"""
MOVE = """
update published p set sequence = x.sequence, next_offset = x.next_offset,
                       held_until = clock_timestamp() + interval '2 seconds'
from unnest($1::text[], $2::int[], $3::int[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
  as x (topic, lane, timeline, was_sequence, was_offset, sequence, next_offset)
where (p.topic, p.lane, p.timeline, p.sequence, p.next_offset)
    = (x.topic, x.lane, x.timeline, x.was_sequence, x.was_offset)
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a lane was published when we looked."""

    topic: str
    lane: int
    timeline: int
    sequence: int
    next_offset: int

    @property
    def name(self) -> LaneName:
        return self.topic, self.lane


class Relay:
    """``settings`` are aiokafka's connection settings; ``published`` hears how many Kafka has acknowledged."""

    def __init__(
        self,
        pool: Pool,
        probe: Probe,
        settings: Mapping[str, Any],
        me: UUID,
        published: Callable[[int], None],
    ) -> None:
        self._pool = pool
        self._probe = probe
        self._me = me
        self._published = published
        self._producer = Producer(settings)
        self._compared: set[LaneName] = set()
        self._wake = asyncio.Event()
        self.closed: dict[str, str] = {}
        self.connected = False
        self._heard = 0.0

    def wake(self) -> None:
        """Something was journalled, or a lane was made: look now instead of at the next tick."""
        self._wake.set()

    async def run(self) -> None:
        """Relay until cancelled."""
        try:
            while True:
                delay = await self._guarded_poll()
                if delay:
                    await self._sleep(delay)
        finally:
            await self._producer.discard()

    async def poll(self) -> float:
        """Compare what must be compared and send one batch per lane; returns the seconds until the next look."""
        self._wake.clear()
        await self._compare_all()
        standing = await self._claim()
        if not standing:
            await self._still_there()
            return IDLE_SECONDS
        if fresh := [each.name for each in standing if each.name not in self._compared]:
            await self._compare(fresh)
            return 0
        sent = await self._send(standing)
        await self._move(sent)
        self._published(sum(next_offset - first for _, _, first, next_offset in sent))
        return 0

    async def _guarded_poll(self) -> float:
        try:
            delay = await self.poll()
            self.connected = True
            return delay
        except (KafkaError, *PASSING) as error:
            # What was sent is not known: forget the producer and the comparison, and look again.
            log.warning("relay interrupted", error=repr(error))
            self.connected = False
            self._compared.clear()
            await self._producer.discard()
            return PAUSE_SECONDS

    async def _still_there(self) -> None:
        """With nothing to send, a Kafka that went away would go unnoticed."""
        if monotonic() - self._heard > PING_SECONDS:
            await self._probe.ping()
            self._heard = monotonic()

    async def _sleep(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    async def _compare_all(self) -> None:
        async with self._pool.acquire() as connection:
            points.reached("relay.look")
            rows = await connection.fetch(UNCOMPARED)
        if rows:
            await self._compare([(row["topic"], row["lane"]) for row in rows])

    async def _compare(self, names: Sequence[LaneName]) -> None:
        for name in names:
            label = f"{name[0]}/{name[1]}"
            try:
                async with self._pool.acquire() as connection:
                    await compare(connection, self._probe, name)
            except (Ahead, LookupError) as reason:
                if self.closed.get(label) != str(reason):
                    log.error("door stays closed", lane=label, reason=str(reason))
                self.closed[label] = str(reason)
            else:
                self.closed.pop(label, None)
                self._compared.add(name)

    async def _claim(self) -> list[Standing]:
        points.reached("relay.begin-claim")
        async with self._pool.acquire() as connection, connection.transaction():
            points.reached("relay.claim-lazily")
            await connection.execute(LAZILY)
            points.reached("relay.claim")
            rows = await connection.fetch(CLAIM, self._me)
            points.reached("relay.commit-claim")
        return [Standing(*row.values()) for row in rows]

    async def _send(self, standing: Sequence[Standing]) -> list[tuple[Standing, int, int, int]]:
        """Send one batch per lane and wait for every acknowledgement: standing, new sequence, offsets."""
        places = [(each.topic, each.lane, each.timeline, each.sequence) for each in standing]
        async with self._pool.acquire() as connection:
            points.reached("relay.read-journal")
            rows = await connection.fetch(UNPUBLISHED, *columns(places, 4))
        by_name = {each.name: each for each in standing}
        producer = await self._producer.connected()
        async with asyncio.timeout(SEND_SECONDS_MAX):
            sending = [
                self._send_batch(producer, by_name[name], list(found))
                for name, found in groupby(rows, key=lambda row: (row["topic"], row["lane"]))
            ]
            sent = await asyncio.gather(*sending)
        return list(sent)

    async def _send_batch(
        self, producer: AIOKafkaProducer, standing: Standing, rows: Sequence[Any]
    ) -> tuple[Standing, int, int, int]:
        batch = producer.create_batch()
        sequence = standing.sequence
        for row in rows:
            headers = to_headers(row["headers"])
            if batch.append(key=row["key"].encode(), value=row["value"], timestamp=None, headers=headers) is None:
                break
            sequence = row["sequence"]
        batch.close()
        points.reached("relay.send")
        acknowledged = await producer.send_batch(batch, standing.topic, partition=standing.lane)
        points.reached("relay.acknowledge")
        first = (await acknowledged).offset
        return standing, sequence, first, first + batch.record_count()

    async def _move(self, sent: Sequence[tuple[Standing, int, int, int]]) -> None:
        rows = [
            (was.topic, was.lane, was.timeline, was.sequence, was.next_offset, sequence, next_offset)
            for was, sequence, _, next_offset in sent
        ]
        points.reached("relay.begin-move")
        async with self._pool.acquire() as connection, connection.transaction():
            points.reached("relay.move-lazily")
            await connection.execute(LAZILY)
            points.reached("relay.move")
            await connection.execute(MOVE, *columns(sorted(rows), 7))
            points.reached("relay.commit-move")
