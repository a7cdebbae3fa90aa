"""Receiver of ingress records: decides each batch and advances the ingress offsets in the same transaction.

A batch of 100 or more records is decoded while the previous batch is committed. After a smaller batch the receiver
waits for the commit: newly arrived records then form a larger batch. After a transient error no state is kept in
memory: the partitions are read again from the stored offsets. After any other error the batch is processed record by
record, and the failing record is quarantined.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from itertools import groupby
from math import inf
from typing import Final

import structlog
from aiokafka import ConsumerRecord, TopicPartition

from samenspel.contracts.submissions import Submission
from samenspel.contracts.topics import LaneId, organisation_of
from samenspel.messaging.decisions.processor import SubmissionProcessor
from samenspel.messaging.errors import TRANSIENT, LaneDiverged
from samenspel.messaging.inbox import offsets, quarantine
from samenspel.messaging.inbox.answers import DECISION_FAILED, Incoming
from samenspel.messaging.inbox.offsets import OffsetRange
from samenspel.messaging.inbox.quarantine import QuarantinedRecord
from samenspel.messaging.ingress.decoding import decision_failed_for, decode, quarantined_record, unreadable_records
from samenspel.messaging.kafka.consumer import PartitionConsumer
from samenspel.messaging.outbox.journal import JournalBatch
from samenspel.messaging.outbox.recent_rows import RecentRows
from samenspel.runtime import failpoints
from samenspel.runtime.cooperative import ITEMS_PER_YIELD, SECONDS_PER_YIELD
from samenspel.runtime.database_health import StorageFull
from samenspel.runtime.limits import STORED_BYTES
from samenspel.runtime.metrics import ANSWERS, DECIDE_SECONDS, count_limit_reached
from samenspel.runtime.postgres import Pool

log = structlog.get_logger()

PAUSE_SECONDS: Final = 0.2
STUCK_SECONDS: Final = 5.0
"""Pause of an ingress topic whose next record can be neither decided nor quarantined."""
DECODE_SECONDS_MAX: Final = 0.05
"""Decoding time of one topic per batch: four times that of 500 valid records. A hostile record takes up to a
hundred times as long. The remaining records of the topic are read again, so that other organisations do not wait."""
LONG_BATCH: Final = 100
"""Records in a batch. Decoding a batch of this size takes long enough to overlap with the previous commit."""


@dataclass(frozen=True, slots=True)
class DecodedBatch:
    """Decoded records of several ingress topics; ``ranges`` are the offsets of the batch."""

    records: Sequence[ConsumerRecord]
    incoming: Sequence[Incoming]
    ranges: Sequence[OffsetRange]
    unreadable: Sequence[QuarantinedRecord]

    def before(self, blocked: Sequence[Submission]) -> "Ready":
        """The records before the first of the ``blocked`` submissions of each topic."""
        stops: dict[str, int] = {}
        kept: list[tuple[ConsumerRecord, Incoming]] = []
        for record, incoming in zip(self.records, self.incoming, strict=True):
            if any(incoming is each for each in blocked):
                stops.setdefault(record.topic, record.offset)
            if record.topic not in stops:
                kept.append((record, incoming))
        records, incoming_kept = [each for each, _ in kept], [each for _, each in kept]
        last = {record.topic: record for record in records}
        ranges = [
            (topic, start, stops.get(topic, end), last[topic].timestamp)
            for topic, start, end, _ in self.ranges
            if topic in last
        ]
        batch = DecodedBatch(records, incoming_kept, ranges, unreadable_records(records, incoming_kept))
        return Ready(batch, {topic for topic, *_ in self.ranges} - stops.keys())


@dataclass(frozen=True, slots=True)
class Ready:
    """The part of a batch that can be decided now, and the topics that are ``complete`` in that part."""

    batch: DecodedBatch
    complete: Set[str]


class KafkaReceiver:
    """Handles the batches of the ingress consumer. ``on_commit`` is called after each commit and wakes the relay.

    Committed journal rows are added to ``recent``, for the relay.
    """

    def __init__(
        self,
        processor: SubmissionProcessor,
        pool: Pool,
        on_commit: Callable[[int], None],
        storage: StorageFull,
        recent: RecentRows | None = None,
    ) -> None:
        self._processor = processor
        self._pool = pool
        self._on_commit = on_commit
        self._storage = storage
        self._recent = recent or RecentRows()
        self._next: dict[str, int] = {}
        self._gaps: dict[str, set[int]] = {}
        self._refused: set[str] = set()
        self._deciding: asyncio.Task[bool] | None = None
        self.held: dict[str, frozenset[LaneId]] = {}
        """Ingress topics that are not read now, with the diverged lanes that their next submission needs."""

    def positioned(self, topic: str, offset: int) -> None:
        """The consumer reads this topic from ``offset`` on."""
        self._next[topic] = offset

    async def __call__(self, reader: PartitionConsumer, records: Sequence[ConsumerRecord]) -> None:
        previous = self._deciding
        batch = await self._decode(reader, records)
        if previous is not None and not await previous:
            # This batch follows undecided records, perhaps in another log: read both again.
            self._deciding = None
            return self._reset_positions(reader, batch)
        self._deciding = deciding = asyncio.create_task(self._decide(reader, batch)) if batch.records else None
        if deciding is not None and len(batch.records) < LONG_BATCH:
            await asyncio.wait([deciding])
            if not deciding.result():
                self._deciding = None  # No later batch was read meanwhile.

    async def finish(self) -> None:
        """Wait for the batch in progress. The result does not matter: undecided records are read again."""
        deciding, self._deciding = self._deciding, None
        if deciding is not None:
            await asyncio.wait([deciding])

    async def _decode(self, reader: PartitionConsumer, records: Sequence[ConsumerRecord]) -> DecodedBatch:
        kept: list[ConsumerRecord] = []
        incoming: list[Incoming] = []
        ranges: list[OffsetRange] = []
        for start, found in self._without_new_gaps(reader, records):
            decoded = await self._decode_for_a_time(found)
            rest, found = found[len(decoded) :], found[: len(decoded)]
            kept += found
            incoming += decoded
            ranges.append((found[0].topic, start, found[-1].offset + 1, found[-1].timestamp))
            if rest:
                self._read_again(reader, rest)
        return DecodedBatch(kept, incoming, ranges, unreadable_records(kept, incoming))

    def _without_new_gaps(
        self, reader: PartitionConsumer, records: Sequence[ConsumerRecord]
    ) -> list[tuple[int, list[ConsumerRecord]]]:
        """The records of each topic without a new gap, and the offset from which the topic was read."""
        groups = []
        for topic, group in groupby(records, key=lambda record: record.topic):
            found = list(group)
            start = self._next[topic]
            if self._has_new_gap(topic, start, found):
                reader.reset_position(TopicPartition(topic, 0))
                continue
            self._next[topic] = found[-1].offset + 1
            groups.append((start, found))
        return groups

    async def _decode_for_a_time(self, records: Sequence[ConsumerRecord]) -> list[Incoming]:
        """The first records, decoded: one at least, and as many as `DECODE_SECONDS_MAX` allows."""
        decoded: list[Incoming] = []
        seconds, types = 0.0, self._processor.decider.types
        while len(decoded) < len(records) and seconds <= DECODE_SECONDS_MAX:
            await asyncio.sleep(0)
            began = time.monotonic()
            limit = began + min(SECONDS_PER_YIELD, DECODE_SECONDS_MAX - seconds)
            for record in records[len(decoded) : len(decoded) + ITEMS_PER_YIELD]:
                decoded.append(decode(record, types))
                if time.monotonic() > limit:
                    break
            seconds += time.monotonic() - began
        return decoded

    def _read_again(self, reader: PartitionConsumer, rest: Sequence[ConsumerRecord]) -> None:
        """Continue the topic at these records, unless its position was resolved again meanwhile."""
        topic = rest[0].topic
        if self._next[topic] == rest[-1].offset + 1:
            self._next[topic] = rest[0].offset
            reader.read_again(TopicPartition(topic, 0), rest[0].offset)

    def _has_new_gap(self, topic: str, start: int, records: Sequence[ConsumerRecord]) -> bool:
        """Whether offsets present in the previous read are missing now. A second read confirms a gap."""
        expected = [start, *(record.offset + 1 for record in records)]
        gaps = {record.offset for at, record in zip(expected, records, strict=False) if record.offset != at}
        seen, self._gaps[topic] = self._gaps.get(topic, set()), gaps
        return not gaps <= seen

    async def _decide(self, reader: PartitionConsumer, batch: DecodedBatch) -> bool:
        """Decide the batch. False if the batch was not decided and must be read again."""
        try:
            await self._commit(batch)
        except LaneDiverged as diverged:
            return await self._hold(reader, batch, diverged)
        except TRANSIENT as error:
            log.warning("batch not decided; read again", records=len(batch.records), error=error)
            self._storage.record_error(error)
            await asyncio.sleep(PAUSE_SECONDS)
            self._reset_positions(reader, batch)
            return False
        except Exception:
            return await self._process_individually(reader, batch)
        self._on_commit(len(batch.records))
        await self._pause_above_budget(reader, batch)
        return True

    async def _commit(self, batch: DecodedBatch) -> None:
        failpoints.reached("ingress.begin")
        written: list[JournalBatch] = []
        with DECIDE_SECONDS.time():
            async with self._pool.acquire() as connection, connection.transaction():
                await offsets.lock(connection, batch.ranges)
                await quarantine.insert(connection, batch.unreadable)
                also = [offsets.offset_write(batch.ranges)]
                answered = await self._processor.process(connection, batch.incoming, batch.unreadable, also, written)
                failpoints.reached("ingress.commit")
        self._recent.add(written)
        for outcome, number in Counter(each.outcome for each in answered).items():
            ANSWERS.labels(outcome, "kafka").inc(number)
        self._refused |= {each.organisation for each in answered if each.is_refusal}

    async def _hold(self, reader: PartitionConsumer, batch: DecodedBatch, diverged: LaneDiverged) -> bool:
        """Read no further on the partitions of submissions that need a diverged lane, and decide what is before them.

        Nothing is lost: the records stay in Kafka, and `release` ends the pause.
        """
        ready = batch.before(diverged.submissions)
        for topic, *_ in batch.ranges:
            if topic not in ready.complete:
                log.warning("ingress not read: a needed lane is diverged", topic=topic, lanes=sorted(diverged.lanes))
                self.held[topic] = diverged.lanes
                reader.pause_for(TopicPartition(topic, 0), inf)
        if ready.batch.records:
            await self._decide(reader, ready.batch)
        self._reset_positions(reader, batch)
        return False

    def release(self, diverged: Set[LaneId]) -> list[TopicPartition]:
        """The held partitions that may be read again, because none of their lanes is in ``diverged``."""
        released = [topic for topic, lanes in self.held.items() if not lanes & diverged]
        for topic in released:
            log.info("ingress read again", topic=topic)
            del self.held[topic]
        return [TopicPartition(topic, 0) for topic in released]

    async def _pause_above_budget(self, reader: PartitionConsumer, batch: DecodedBatch) -> None:
        """Pause the partitions of organisations above the storage budget: the records stay in Kafka until then."""
        storage = self._processor.storage
        refused, self._refused = self._refused, set()
        await storage.look_up(self._pool, refused)
        for topic, *_ in batch.ranges:
            organisation = organisation_of(topic)
            if (seconds := storage.seconds_left(organisation)) > 0:
                log.warning("ingress paused: storage budget used", topic=topic, seconds=round(seconds))
                count_limit_reached(STORED_BYTES.name, organisation)
                reader.pause_for(TopicPartition(topic, 0), seconds)

    async def _process_individually(self, reader: PartitionConsumer, batch: DecodedBatch) -> bool:
        """Process record by record after a batch failed: quarantine the failing record, and decide the others."""
        log.exception("batch cannot be decided; retried record by record", records=len(batch.records))
        starts = {topic: start for topic, start, _, _ in batch.ranges}
        stuck: set[str] = set()
        for record, incoming in zip(batch.records, batch.incoming, strict=True):
            if record.topic in stuck:
                continue
            offset_range = (record.topic, starts[record.topic], record.offset + 1, record.timestamp)
            starts[record.topic] = record.offset + 1
            single = DecodedBatch([record], [incoming], [offset_range], unreadable_records([record], [incoming]))
            try:
                await self._commit_or_quarantine(single)
            except TRANSIENT:
                self._reset_positions(reader, batch)
                return False
            except Exception:
                self._read_later(reader, record)
                stuck.add(record.topic)
        self._on_commit(len(batch.records))
        await self._pause_above_budget(reader, batch)
        return True

    def _read_later(self, reader: PartitionConsumer, record: ConsumerRecord) -> None:
        """Pause the topic of a record whose quarantining fails too; the other organisations do not wait."""
        log.exception("record can be neither decided nor quarantined", topic=record.topic, offset=record.offset)
        partition = TopicPartition(record.topic, 0)
        reader.reset_position(partition)
        reader.pause_for(partition, STUCK_SECONDS)

    async def _commit_or_quarantine(self, single: DecodedBatch) -> None:
        try:
            await self._commit(single)
        except TRANSIENT:
            raise
        except Exception as error:
            await self._quarantine_failed(single, error)

    async def _quarantine_failed(self, single: DecodedBatch, error: Exception) -> None:
        record = single.records[0]
        log.error("record quarantined: its processing fails", topic=record.topic, offset=record.offset)
        failpoints.reached("ingress.quarantine")
        async with self._pool.acquire() as connection, connection.transaction():
            await offsets.lock(connection, single.ranges)
            kept = [quarantined_record(record, DECISION_FAILED.code, repr(error))]
            await quarantine.insert(connection, kept)
            also = [offsets.offset_write(single.ranges)]
            await self._processor.process(connection, [decision_failed_for(single.incoming[0])], kept, also)
            failpoints.reached("ingress.quarantine-commit")
        ANSWERS.labels("rejected", "kafka").inc()

    def _reset_positions(self, reader: PartitionConsumer, batch: DecodedBatch) -> None:
        for topic, *_ in batch.ranges:
            reader.reset_position(TopicPartition(topic, 0))
