"""The relay sends the journal to Kafka, lane by lane, one whole record batch at a time.

The relay is safe without a fence. Per lane, the relay sends a prefix of the unpublished events. Kafka appends a batch
whole or not at all, and the relay sends the next batch only after the acknowledgement. A relay that dies, resumes
late or never receives the acknowledgement can only append repeats after the first occurrence. Readers drop repeats by
the law of lanes. The lease only prevents duplicate work.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from samenspel.contracts.topics import LaneId, lane_label
from samenspel.messaging.errors import TRANSIENT
from samenspel.messaging.kafka.producer import Producer
from samenspel.messaging.outbox.recent_rows import RecentRows
from samenspel.messaging.outbox.reconciler import Reconciler
from samenspel.runtime import failpoints
from samenspel.runtime.bulk_parameters import as_arrays
from samenspel.runtime.cooperative import ITEMS_PER_YIELD
from samenspel.runtime.postgres import Pool

log = structlog.get_logger()

SEND_SECONDS_MAX: Final = 10.0
IDLE_SECONDS, PAUSE_SECONDS = 0.5, 0.2
ROWS_MAX: Final = 500
"""Events of a lane per claim: a batch has `producer.BATCH_BYTES_MAX` bytes, which hold about as many."""
POSITION_COLUMNS: Final = ("topic", "lane", "timeline", "sequence", "next_offset", "cuts")

# $2 to $7: the incarnation and the positions of the rows in memory (`recent_rows`). Other rows are read as arrays,
# because a record per row takes three times as long to decode.
# A crash may lose the lease and the progress without harm. Both statements therefore commit asynchronously. The
# setting ends with the statement's own transaction.
CLAIM = """
with async_commit as (select set_config('synchronous_commit', 'off', true)),
claimed as (
  update relay_progress p set holder = $1, held_until = clock_timestamp() + interval '2 seconds'
  from lane l, async_commit where (l.topic, l.lane) = (p.topic, p.lane) and l.reconciled = (select incarnation())
    and l.sequence > p.sequence and (p.holder = $1 or p.held_until < clock_timestamp())
  returning p.topic, p.lane, p.timeline, p.sequence, p.next_offset, p.cuts)
select p.*, m.in_memory, j.*
from claimed p cross join lateral (
  select exists (
    select from unnest($3::text[], $4::int[], $5::int[], $6::bigint[], $7::bigint[])
      as m (topic, lane, timeline, first, last)
    where (m.topic, m.lane, m.timeline) = (p.topic, p.lane, p.timeline)
      and m.first <= p.sequence + 1 and m.last > p.sequence and $2 = (select incarnation())) as in_memory) m
cross join lateral (
  select array_agg(j.sequence) as numbers, array_agg(j.key) as keys, array_agg(j.headers) as headers,
    array_agg(j.value) as values
  from (
    select j.sequence, j.key, j.headers, j.value from journal j
    where not m.in_memory and (j.topic, j.lane, j.timeline) = (p.topic, p.lane, p.timeline)
      and j.sequence > p.sequence
    order by j.sequence limit {rows}) j) j
where m.in_memory or j.numbers is not null
order by p.topic, p.lane
""".replace("{rows}", str(ROWS_MAX))
SAVE_PROGRESS = """
with async_commit as (select set_config('synchronous_commit', 'off', true))
update relay_progress p set sequence = x.sequence, next_offset = x.next_offset,
                       held_until = clock_timestamp() + interval '2 seconds'
from async_commit, unnest(
  $1::text[], $2::int[], $3::int[], $4::bigint[], $5::bigint[], $6::int[], $7::bigint[], $8::bigint[])
  as x (topic, lane, timeline, was_sequence, was_offset, cuts, sequence, next_offset)
where (p.topic, p.lane, p.timeline, p.sequence, p.next_offset, p.cuts)
    = (x.topic, x.lane, x.timeline, x.was_sequence, x.was_offset, x.cuts)
"""
# Unconditional, unlike SAVE_PROGRESS: Kafka has lost records, and only a reconciliation can determine which ones.
REPUBLISH_ALL = """
update relay_progress p set sequence = 0, next_offset = 0, cuts = p.cuts + 1
from unnest($1::text[], $2::int[], $3::int[]) as x (topic, lane, timeline)
where (p.topic, p.lane, p.timeline) = (x.topic, x.lane, x.timeline)
"""


@dataclass(frozen=True, slots=True)
class PublishedPosition:
    """A lane's row of table ``relay_progress``, as claimed by this relay."""

    topic: str
    lane: int
    timeline: int
    sequence: int
    next_offset: int
    cuts: int

    @property
    def name(self) -> LaneId:
        return self.topic, self.lane


Event = tuple[int, str, bytes, bytes]
"""Sequence, key, header lines and value of a journal row."""
Sent = tuple[PublishedPosition, int, int, int]
"""The claimed position of a lane, its new sequence, the batch's first offset, and the offset after the batch."""


class Relay:
    """Sends the journal of every lane to Kafka.

    ``settings`` are aiokafka's connection settings. ``holder`` identifies this instance in the lease. The relay calls
    ``on_published`` with the number of events that Kafka acknowledged. ``recent`` are rows that need not be read.
    """

    def __init__(
        self,
        pool: Pool,
        reconciler: Reconciler,
        settings: Mapping[str, Any],
        holder: UUID,
        on_published: Callable[[int], None],
        recent: RecentRows | None = None,
    ) -> None:
        self._pool = pool
        self._reconciler = reconciler
        self._holder = holder
        self._on_published = on_published
        self._recent = recent or RecentRows()
        self._producer = Producer(settings)
        self._wake = asyncio.Event()
        self.connected = False

    def wake(self) -> None:
        """Poll now instead of after `IDLE_SECONDS`, because a transaction added journal rows or a lane."""
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
        """Reconcile lanes where needed and send one batch per lane. Returns the seconds until the next poll."""
        self._wake.clear()
        await self._reconciler.recheck_suspects()
        claimed = await self._claim()
        has_reconciled = (not claimed or self._reconciler.is_due) and await self._reconciler.reconcile_all()
        if not claimed:
            return 0 if has_reconciled else IDLE_SECONDS
        if unreconciled := {each.name for each in claimed if each.name not in self._reconciler.reconciled}:
            await self._reconciler.reconcile(sorted(unreconciled))
            claimed = {each: rows for each, rows in claimed.items() if each.name not in unreconciled}
            if not claimed:
                # The next poll claims the reconciled lanes. A lane without a topic must not delay the other lanes.
                return 0 if unreconciled & self._reconciler.reconciled else IDLE_SECONDS
        sent = await self._send(claimed)
        # An unexpected offset: another relay sent as well, or the log was replaced. Reconcile and save no progress.
        self._reconciler.reconciled.difference_update(
            claim.name for claim, _, first, _ in sent if first != claim.next_offset
        )
        if truncated := [claim for claim, _, first, _ in sent if first < claim.next_offset]:
            await self._republish_all(truncated)
        await self._save_progress([each for each in sent if each[0].name in self._reconciler.reconciled])
        for claim, sequence, _, _ in sent:
            self._recent.forget(claim.name, claim.timeline, sequence)
        self._on_published(sum(next_offset - first for _, _, first, next_offset in sent))
        return 0

    async def _guarded_poll(self) -> float:
        try:
            delay = await self.poll()
            self.connected = True
            return delay
        except (KafkaError, *TRANSIENT) as error:
            # The outcome of the last send is unknown: discard the producer and reconcile again before the next send.
            log.warning("relay interrupted", error=error)
            self.connected = False
            self._reconciler.invalidate()
            await self._producer.discard()
            return PAUSE_SECONDS

    async def _sleep(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    async def _claim(self) -> dict[PublishedPosition, Sequence[Event]]:
        """Lease the lanes that have unpublished events. Returns each lane with the events to send next."""
        memory = self._recent.incarnation, *as_arrays(self._recent.ranges(), 5)
        async with self._pool.acquire() as connection:
            failpoints.reached("relay.claim")
            rows = await connection.fetch(CLAIM, self._holder, *memory)
        claimed = {PublishedPosition(*row[: len(POSITION_COLUMNS)]): row for row in rows}
        return {each: events for each, row in claimed.items() if (events := self._events(each, row))}

    def _events(self, position: PublishedPosition, row: Any) -> Sequence[Event]:
        """The next events of a lane: as read, or from memory. None if they left the memory while the claim ran."""
        if not row["in_memory"]:
            return list(zip(row["numbers"], row["keys"], row["headers"], row["values"], strict=True))
        events = self._recent.after(position.name, position.timeline, position.sequence, ROWS_MAX)
        if not events:
            self.wake()  # The next claim reads the rows.
        return events

    async def _send(self, claimed: Mapping[PublishedPosition, Sequence[Event]]) -> list[Sent]:
        """Send one batch per lane and wait for every acknowledgement."""
        producer = await self._producer.connected()
        async with asyncio.timeout(SEND_SECONDS_MAX):
            sending = [self._send_batch(producer, claim, rows) for claim, rows in claimed.items()]
            return list(await asyncio.gather(*sending))

    async def _send_batch(
        self, producer: AIOKafkaProducer, position: PublishedPosition, events: Sequence[Event]
    ) -> Sent:
        batch = self._producer.create_batch()
        sequence = position.sequence
        for index, (number, key, lines, value) in enumerate(events):
            if index % ITEMS_PER_YIELD == 0:
                await asyncio.sleep(0)
            if not batch.append_row(key.encode(), lines, value):
                break
            sequence = number
        batch.close()
        failpoints.reached("relay.send")
        acknowledged = await producer.send_batch(batch, position.topic, partition=position.lane)
        failpoints.reached("relay.acknowledge")
        first = (await acknowledged).offset
        return position, sequence, first, first + batch.record_count()

    async def _republish_all(self, truncated: Sequence[PublishedPosition]) -> None:
        """Reset the published position of these lanes, because their batches got lower offsets than expected."""
        rows = sorted((claim.topic, claim.lane, claim.timeline) for claim in truncated)
        labels = [lane_label((topic, lane)) for topic, lane, _ in rows]
        log.error("Kafka lost acknowledged records; these lanes are published again from the start", lanes=labels)
        async with self._pool.acquire() as connection:
            failpoints.reached("relay.republish-all")
            await connection.execute(REPUBLISH_ALL, *as_arrays(rows, 3))

    async def _save_progress(self, sent: Sequence[Sent]) -> None:
        rows = [
            (lane.topic, lane.lane, lane.timeline, lane.sequence, lane.next_offset, lane.cuts, sequence, next_offset)
            for lane, sequence, _, next_offset in sent
        ]
        async with self._pool.acquire() as connection:
            failpoints.reached("relay.save-progress")
            await connection.execute(SAVE_PROGRESS, *as_arrays(sorted(rows), 8))
