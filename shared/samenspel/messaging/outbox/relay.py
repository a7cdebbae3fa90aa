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
from operator import itemgetter
from typing import Any, Final
from uuid import UUID

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from samenspel.contracts.canonical import to_headers
from samenspel.contracts.topics import LaneId
from samenspel.messaging.errors import TRANSIENT
from samenspel.messaging.kafka.producer import Producer
from samenspel.messaging.outbox.reconciler import Reconciler
from samenspel.runtime import failpoints
from samenspel.runtime.bulk_parameters import as_arrays
from samenspel.runtime.cooperative import yielding
from samenspel.runtime.postgres import Pool

log = structlog.get_logger()

SEND_SECONDS_MAX: Final = 10.0
IDLE_SECONDS, PAUSE_SECONDS = 0.5, 0.2
PLACE: Final = ("topic", "lane", "timeline", "sequence", "next_offset", "cuts")

# The lease and the progress are hints that may be lost in a crash: both are made durable lazily, by a setting that
# ends with the statement's own transaction.
CLAIM = """
with lazily as (select set_config('synchronous_commit', 'off', true)),
claimed as (
  update published p set holder = $1, held_until = clock_timestamp() + interval '2 seconds'
  from lane l, lazily where (l.topic, l.lane) = (p.topic, p.lane) and l.compared = incarnation()
    and l.sequence > p.sequence and (p.holder = $1 or p.held_until < clock_timestamp())
  returning p.topic, p.lane, p.timeline, p.sequence, p.next_offset, p.cuts)
select p.*, j.sequence as number, j.key, j.headers, j.value
from claimed p cross join lateral (
  select j.sequence, j.key, j.headers, j.value from journal j
  where (j.topic, j.lane, j.timeline) = (p.topic, p.lane, p.timeline) and j.sequence > p.sequence
  order by j.sequence limit 500) j
order by p.topic, p.lane, j.sequence
"""
SAVE_PROGRESS = """
with lazily as (select set_config('synchronous_commit', 'off', true))
update published p set sequence = x.sequence, next_offset = x.next_offset,
                       held_until = clock_timestamp() + interval '2 seconds'
from lazily, unnest(
  $1::text[], $2::int[], $3::int[], $4::bigint[], $5::bigint[], $6::int[], $7::bigint[], $8::bigint[])
  as x (topic, lane, timeline, was_sequence, was_offset, cuts, sequence, next_offset)
where (p.topic, p.lane, p.timeline, p.sequence, p.next_offset, p.cuts)
    = (x.topic, x.lane, x.timeline, x.was_sequence, x.was_offset, x.cuts)
"""
# Whatever another relay has made of it meanwhile: Kafka has lost something, and only a comparison can say what.
REPUBLISH_ALL = """
update published p set sequence = 0, next_offset = 0, cuts = p.cuts + 1
from unnest($1::text[], $2::int[], $3::int[]) as x (topic, lane, timeline)
where (p.topic, p.lane, p.timeline) = (x.topic, x.lane, x.timeline)
"""


@dataclass(frozen=True, slots=True)
class PublishedPosition:
    """How far a lane was published when we looked."""

    topic: str
    lane: int
    timeline: int
    sequence: int
    next_offset: int
    cuts: int

    @property
    def name(self) -> LaneId:
        return self.topic, self.lane


class Relay:
    """``settings`` are aiokafka's connection settings; ``published`` hears how many Kafka has acknowledged."""

    def __init__(
        self,
        pool: Pool,
        reconciler: Reconciler,
        settings: Mapping[str, Any],
        me: UUID,
        published: Callable[[int], None],
    ) -> None:
        self._pool = pool
        self._reconciler = reconciler
        self._holder = me
        self._on_published = published
        self._producer = Producer(settings)
        self._wake = asyncio.Event()
        self.connected = False

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
        await self._reconciler.recheck_suspects()
        claimed = await self._claim()
        has_opened = (not claimed or self._reconciler.is_due) and await self._reconciler.reconcile_all()
        if not claimed:
            return 0 if has_opened else IDLE_SECONDS
        if fresh := {each.name for each in claimed if each.name not in self._reconciler.reconciled}:
            await self._reconciler.reconcile(sorted(fresh))
            claimed = {each: rows for each, rows in claimed.items() if each.name not in fresh}
            if not claimed:
                # What can be sent by now is claimed anew; a lane whose topic is gone holds no other up.
                return 0 if fresh & self._reconciler.reconciled else IDLE_SECONDS
        sent = await self._send(claimed)
        # Not where it was expected: another relay sent as well, or the log is another one. Compared anew, not moved.
        self._reconciler.reconciled.difference_update(
            was.name for was, _, first, _ in sent if first != was.next_offset
        )
        if shorter := [was for was, _, first, _ in sent if first < was.next_offset]:
            await self._republish_all(shorter)
        await self._save_progress([each for each in sent if each[0].name in self._reconciler.reconciled])
        self._on_published(sum(next_offset - first for _, _, first, next_offset in sent))
        return 0

    async def _guarded_poll(self) -> float:
        try:
            delay = await self.poll()
            self.connected = True
            return delay
        except (KafkaError, *TRANSIENT) as error:
            # What was sent is not known: forget the producer and the comparison, and look again.
            log.warning("relay interrupted", error=error)
            self.connected = False
            self._reconciler.interrupted()
            await self._producer.discard()
            return PAUSE_SECONDS

    async def _sleep(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    async def _claim(self) -> dict[PublishedPosition, list[Any]]:
        """The lanes that are ours to carry on, each with the rows to send next."""
        async with self._pool.acquire() as connection:
            failpoints.reached("relay.claim")
            rows = await connection.fetch(CLAIM, self._holder)
        return {PublishedPosition(*place): list(found) for place, found in groupby(rows, key=itemgetter(*PLACE))}

    async def _send(
        self, claimed: Mapping[PublishedPosition, Sequence[Any]]
    ) -> list[tuple[PublishedPosition, int, int, int]]:
        """Send one batch per lane and wait for every acknowledgement: standing, new sequence, offsets."""
        producer = await self._producer.connected()
        async with asyncio.timeout(SEND_SECONDS_MAX):
            sending = [self._send_batch(producer, standing, rows) for standing, rows in claimed.items()]
            return list(await asyncio.gather(*sending))

    async def _send_batch(
        self, producer: AIOKafkaProducer, standing: PublishedPosition, rows: Sequence[Any]
    ) -> tuple[PublishedPosition, int, int, int]:
        batch = producer.create_batch()
        sequence = standing.sequence
        async for row in yielding(rows):
            headers = to_headers(row["headers"])
            if batch.append(key=row["key"].encode(), value=row["value"], timestamp=None, headers=headers) is None:
                break
            sequence = row["number"]
        batch.close()
        failpoints.reached("relay.send")
        acknowledged = await producer.send_batch(batch, standing.topic, partition=standing.lane)
        failpoints.reached("relay.acknowledge")
        first = (await acknowledged).offset
        return standing, sequence, first, first + batch.record_count()

    async def _republish_all(self, shorter: Sequence[PublishedPosition]) -> None:
        """What was published before these batches is not where it was: nothing counts as published any more."""
        rows = sorted((was.topic, was.lane, was.timeline) for was in shorter)
        log.error("Kafka has lost what it had acknowledged", lanes=[f"{topic}/{lane}" for topic, lane, _ in rows])
        async with self._pool.acquire() as connection:
            failpoints.reached("relay.from-the-start")
            await connection.execute(REPUBLISH_ALL, *as_arrays(rows, 3))

    async def _save_progress(self, sent: Sequence[tuple[PublishedPosition, int, int, int]]) -> None:
        rows = [
            (was.topic, was.lane, was.timeline, was.sequence, was.next_offset, was.cuts, sequence, next_offset)
            for was, sequence, _, next_offset in sent
        ]
        async with self._pool.acquire() as connection:
            failpoints.reached("relay.move")
            await connection.execute(SAVE_PROGRESS, *as_arrays(sorted(rows), 8))
