"""The Kafka door: batches of ingress records, decided in one transaction with the position they move.

Decoding and checking of one long batch overlap with deciding the one before; behind a short one it is waited until
it is decided, so that what came meanwhile makes one batch. Whatever goes wrong, nothing is kept in memory: the
partitions are opened again, and read on from where the database stands.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import structlog
from aiokafka import ConsumerRecord, TopicPartition

from samenspel.messaging.decisions.processor import Desk
from samenspel.messaging.errors import PASSING
from samenspel.messaging.inbox import offsets, quarantine
from samenspel.messaging.inbox.answers import DECISION_FAILED, Inbound
from samenspel.messaging.inbox.offsets import Stretch
from samenspel.messaging.inbox.quarantine import Quarantined
from samenspel.messaging.ingress.decoding import _quarantined, _set_apart, _undecided, read_record
from samenspel.messaging.kafka.consumer import LaneReader
from samenspel.runtime import failpoints
from samenspel.runtime.cooperative import breathing
from samenspel.runtime.database_health import Room
from samenspel.runtime.metrics import ANSWERS, DECIDE_SECONDS
from samenspel.runtime.postgres import Pool

log = structlog.get_logger()

PAUSE_SECONDS: Final = 0.2
LONG: Final = 100
"""Records in a batch: from here on decoding the next takes long enough to be done meanwhile."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of several ingress topics, decoded; ``stretches`` is what the doors move over."""

    records: Sequence[ConsumerRecord]
    inbound: Sequence[Inbound]
    stretches: Sequence[Stretch]
    unreadable: Sequence[Quarantined]


class Ingress:
    """Handles what the reader brings. ``settled`` is called after each commit, to wake relay and waker."""

    def __init__(self, desk: Desk, pool: Pool, settled: Callable[[int], None], room: Room) -> None:
        self._desk = desk
        self._pool = pool
        self._settled = settled
        self._room = room
        self._next: dict[str, int] = {}
        self._gaps: dict[str, set[int]] = {}
        self._deciding: asyncio.Task[bool] | None = None

    def opened(self, topic: str, offset: int) -> None:
        """The reader reads this topic on from here."""
        self._next[topic] = offset

    async def __call__(self, reader: LaneReader, records: Sequence[ConsumerRecord]) -> None:
        before = self._deciding
        batch = await self._decode(reader, records)
        if before is not None and not await before:
            # It lies behind what was not decided, perhaps even in another log: it is read again as well.
            self._deciding = None
            return self._reopen(reader, batch)
        self._deciding = deciding = asyncio.create_task(self._decide(reader, batch)) if batch.records else None
        if deciding is not None and len(batch.records) < LONG:
            await asyncio.wait([deciding])
            if not deciding.result():
                self._deciding = None  # nothing was read behind it

    async def finish(self) -> None:
        """Wait for the batch that is being decided, whatever comes of it: it is read again if need be."""
        deciding, self._deciding = self._deciding, None
        if deciding is not None:
            await asyncio.wait([deciding])

    async def _decode(self, reader: LaneReader, records: Sequence[ConsumerRecord]) -> Batch:
        kept: list[ConsumerRecord] = []
        stretches: list[Stretch] = []
        for topic, group in groupby(records, key=lambda record: record.topic):
            found = list(group)
            start = self._next[topic]
            if self._has_new_gap(topic, start, found):
                reader.reopen(TopicPartition(topic, 0))
                continue
            kept += found
            self._next[topic] = found[-1].offset + 1
            stretches.append((topic, start, found[-1].offset + 1, found[-1].timestamp))
        inbound = [read_record(record, self._desk.handlers.types) async for record in breathing(kept)]
        return Batch(kept, inbound, stretches, _set_apart(kept, inbound))

    def _has_new_gap(self, topic: str, start: int, records: Sequence[ConsumerRecord]) -> bool:
        """A gap in the offsets is believed only when a second read shows it too."""
        expected = [start, *(record.offset + 1 for record in records)]
        gaps = {record.offset for at, record in zip(expected, records, strict=False) if record.offset != at}
        seen, self._gaps[topic] = self._gaps.get(topic, set()), gaps
        return not gaps <= seen

    async def _decide(self, reader: LaneReader, batch: Batch) -> bool:
        """Whether all of it is decided; if not, it will be read again."""
        try:
            await self._commit(batch)
        except PASSING as error:
            log.warning("batch not decided; read again", records=len(batch.records), error=repr(error))
            self._room.note(error)
            await asyncio.sleep(PAUSE_SECONDS)
            self._reopen(reader, batch)
            return False
        except Exception:
            return await self._one_by_one(reader, batch)
        self._settled(len(batch.records))
        return True

    async def _commit(self, batch: Batch) -> None:
        failpoints.reached("ingress.begin")
        with DECIDE_SECONDS.time():
            async with self._pool.acquire() as connection, connection.transaction():
                await offsets.lock(connection, batch.stretches)
                await quarantine.set_apart(connection, batch.unreadable)
                answered = await self._desk.settle(connection, batch.inbound)
                await offsets.move(connection, batch.stretches)
                failpoints.reached("ingress.commit")
        for outcome, number in Counter(each.outcome for each in answered).items():
            ANSWERS.labels(outcome, "kafka").inc(number)

    async def _one_by_one(self, reader: LaneReader, batch: Batch) -> bool:
        """Something in this batch breaks the deciding itself: find it, set it apart, and decide the rest."""
        log.exception("batch cannot be decided; tried record by record", records=len(batch.records))
        starts = {topic: start for topic, start, _, _ in batch.stretches}
        for record, inbound in zip(batch.records, batch.inbound, strict=True):
            stretch = (record.topic, starts[record.topic], record.offset + 1, record.timestamp)
            starts[record.topic] = record.offset + 1
            single = Batch([record], [inbound], [stretch], _set_apart([record], [inbound]))
            try:
                await self._commit_or_set_apart(single)
            except PASSING:
                self._reopen(reader, batch)
                return False
        self._settled(len(batch.records))
        return True

    async def _commit_or_set_apart(self, single: Batch) -> None:
        try:
            await self._commit(single)
        except PASSING:
            raise
        except Exception as error:
            record = single.records[0]
            log.error("record set apart: it breaks the deciding", topic=record.topic, offset=record.offset)
            failpoints.reached("ingress.set-apart")
            async with self._pool.acquire() as connection, connection.transaction():
                await offsets.lock(connection, single.stretches)
                await quarantine.set_apart(connection, [_quarantined(record, DECISION_FAILED.code, repr(error))])
                await self._desk.settle(connection, [_undecided(single.inbound[0])])
                await offsets.move(connection, single.stretches)
                failpoints.reached("ingress.set-apart-commit")
            ANSWERS.labels("rejected", "kafka").inc()

    def _reopen(self, reader: LaneReader, batch: Batch) -> None:
        for topic, *_ in batch.stretches:
            reader.reopen(TopicPartition(topic, 0))
