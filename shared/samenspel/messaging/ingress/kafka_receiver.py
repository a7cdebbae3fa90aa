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

from samenspel.messaging.decisions.processor import SubmissionProcessor
from samenspel.messaging.errors import TRANSIENT
from samenspel.messaging.inbox import offsets, quarantine
from samenspel.messaging.inbox.answers import DECISION_FAILED, Incoming
from samenspel.messaging.inbox.offsets import OffsetRange
from samenspel.messaging.inbox.quarantine import QuarantinedRecord
from samenspel.messaging.ingress.decoding import decision_failed_for, decode, quarantined_record, unreadable_records
from samenspel.messaging.kafka.consumer import PartitionConsumer
from samenspel.runtime import failpoints
from samenspel.runtime.cooperative import yielding
from samenspel.runtime.database_health import StorageFull
from samenspel.runtime.metrics import ANSWERS, DECIDE_SECONDS
from samenspel.runtime.postgres import Pool

log = structlog.get_logger()

PAUSE_SECONDS: Final = 0.2
LONG_BATCH: Final = 100
"""Records in a batch: from here on decoding the next takes long enough to be done meanwhile."""


@dataclass(frozen=True, slots=True)
class DecodedBatch:
    """Records of several ingress topics, decoded; ``stretches`` is what the doors move over."""

    records: Sequence[ConsumerRecord]
    incoming: Sequence[Incoming]
    ranges: Sequence[OffsetRange]
    unreadable: Sequence[QuarantinedRecord]


class KafkaReceiver:
    """Handles what the reader brings. ``settled`` is called after each commit, to wake relay and waker."""

    def __init__(
        self, processor: SubmissionProcessor, pool: Pool, on_commit: Callable[[int], None], storage: StorageFull
    ) -> None:
        self._processor = processor
        self._pool = pool
        self._on_commit = on_commit
        self._storage = storage
        self._next: dict[str, int] = {}
        self._gaps: dict[str, set[int]] = {}
        self._deciding: asyncio.Task[bool] | None = None

    def positioned(self, topic: str, offset: int) -> None:
        """The reader reads this topic on from here."""
        self._next[topic] = offset

    async def __call__(self, reader: PartitionConsumer, records: Sequence[ConsumerRecord]) -> None:
        before = self._deciding
        batch = await self._decode(reader, records)
        if before is not None and not await before:
            # It lies behind what was not decided, perhaps even in another log: it is read again as well.
            self._deciding = None
            return self._reset_positions(reader, batch)
        self._deciding = deciding = asyncio.create_task(self._decide(reader, batch)) if batch.records else None
        if deciding is not None and len(batch.records) < LONG_BATCH:
            await asyncio.wait([deciding])
            if not deciding.result():
                self._deciding = None  # nothing was read behind it

    async def finish(self) -> None:
        """Wait for the batch that is being decided, whatever comes of it: it is read again if need be."""
        deciding, self._deciding = self._deciding, None
        if deciding is not None:
            await asyncio.wait([deciding])

    async def _decode(self, reader: PartitionConsumer, records: Sequence[ConsumerRecord]) -> DecodedBatch:
        kept: list[ConsumerRecord] = []
        ranges: list[OffsetRange] = []
        for topic, group in groupby(records, key=lambda record: record.topic):
            found = list(group)
            start = self._next[topic]
            if self._has_new_gap(topic, start, found):
                reader.reset_position(TopicPartition(topic, 0))
                continue
            kept += found
            self._next[topic] = found[-1].offset + 1
            ranges.append((topic, start, found[-1].offset + 1, found[-1].timestamp))
        incoming = [decode(record, self._processor.decider.types) async for record in yielding(kept)]
        return DecodedBatch(kept, incoming, ranges, unreadable_records(kept, incoming))

    def _has_new_gap(self, topic: str, start: int, records: Sequence[ConsumerRecord]) -> bool:
        """A gap in the offsets is believed only when a second read shows it too."""
        expected = [start, *(record.offset + 1 for record in records)]
        gaps = {record.offset for at, record in zip(expected, records, strict=False) if record.offset != at}
        seen, self._gaps[topic] = self._gaps.get(topic, set()), gaps
        return not gaps <= seen

    async def _decide(self, reader: PartitionConsumer, batch: DecodedBatch) -> bool:
        """Whether all of it is decided; if not, it will be read again."""
        try:
            await self._commit(batch)
        except TRANSIENT as error:
            log.warning("batch not decided; read again", records=len(batch.records), error=repr(error))
            self._storage.record_error(error)
            await asyncio.sleep(PAUSE_SECONDS)
            self._reset_positions(reader, batch)
            return False
        except Exception:
            return await self._process_individually(reader, batch)
        self._on_commit(len(batch.records))
        return True

    async def _commit(self, batch: DecodedBatch) -> None:
        failpoints.reached("ingress.begin")
        with DECIDE_SECONDS.time():
            async with self._pool.acquire() as connection, connection.transaction():
                await offsets.lock(connection, batch.ranges)
                await quarantine.insert(connection, batch.unreadable)
                answered = await self._processor.process(connection, batch.incoming)
                await offsets.save(connection, batch.ranges)
                failpoints.reached("ingress.commit")
        for outcome, number in Counter(each.outcome for each in answered).items():
            ANSWERS.labels(outcome, "kafka").inc(number)

    async def _process_individually(self, reader: PartitionConsumer, batch: DecodedBatch) -> bool:
        """Something in this batch breaks the deciding itself: find it, set it apart, and decide the rest."""
        log.exception("batch cannot be decided; tried record by record", records=len(batch.records))
        starts = {topic: start for topic, start, _, _ in batch.ranges}
        for record, incoming in zip(batch.records, batch.incoming, strict=True):
            stretch = (record.topic, starts[record.topic], record.offset + 1, record.timestamp)
            starts[record.topic] = record.offset + 1
            single = DecodedBatch([record], [incoming], [stretch], unreadable_records([record], [incoming]))
            try:
                await self._commit_or_quarantine(single)
            except TRANSIENT:
                self._reset_positions(reader, batch)
                return False
        self._on_commit(len(batch.records))
        return True

    async def _commit_or_quarantine(self, single: DecodedBatch) -> None:
        try:
            await self._commit(single)
        except TRANSIENT:
            raise
        except Exception as error:
            record = single.records[0]
            log.error("record set apart: it breaks the deciding", topic=record.topic, offset=record.offset)
            failpoints.reached("ingress.set-apart")
            async with self._pool.acquire() as connection, connection.transaction():
                await offsets.lock(connection, single.ranges)
                await quarantine.insert(connection, [quarantined_record(record, DECISION_FAILED.code, repr(error))])
                await self._processor.process(connection, [decision_failed_for(single.incoming[0])])
                await offsets.save(connection, single.ranges)
                failpoints.reached("ingress.set-apart-commit")
            ANSWERS.labels("rejected", "kafka").inc()

    def _reset_positions(self, reader: PartitionConsumer, batch: DecodedBatch) -> None:
        for topic, *_ in batch.ranges:
            reader.reset_position(TopicPartition(topic, 0))
