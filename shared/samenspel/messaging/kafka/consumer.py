"""A Kafka consumer in which one partition can neither lose nor delay the records of another partition.

aiokafka drains partition after partition. An error in a later partition discards the records that were already
drained, after their positions were advanced. `PartitionConsumer` therefore drains one partition per call, and takes
an equal share of each. `PartitionConsumer` reads a newly assigned partition only after the database has given the
offset. Kafka's committed offset is not used. The offsets of all new partitions are resolved together, in the
background: partitions with an offset are read meanwhile.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import ConsumerStoppedError, KafkaError

from samenspel.messaging.kafka import bounded_fetcher, connection_patch, record_batches
from samenspel.messaging.kafka.bounded_fetcher import memory_of
from samenspel.messaging.kafka.kept_assignment import KeptAssignment, UnpositionedPartitions
from samenspel.messaging.kafka.record_batches import SafeMemoryRecords
from samenspel.runtime import failpoints

log = structlog.get_logger()
record_batches.patch_aiokafka()
bounded_fetcher.patch_aiokafka()
connection_patch.patch_aiokafka()

OffsetResolver = Callable[[Collection[TopicPartition]], Awaitable[Mapping[TopicPartition, int | Exception]]]
"""Returns the offset to read each partition from, or the error of that partition."""
RECORDS_MAX: Final = 500
BATCH_BYTES_MAX: Final = 8 * 1_048_576
"""Bytes of the records handed on together, beyond the records of the last partition."""
WAITING_BYTES_MAX: Final = 16 * 1_048_576
"""Bytes of decompressed batches that wait for their turn, over all partitions together."""
WAIT_SECONDS: Final = 1.0
SMALL_BATCH: Final = 100
"""Records. For a larger batch another fetch costs more time than a larger batch saves."""
FETCH_SECONDS: Final = 0.003
"""Time that a fetch of available records takes."""
_PAUSE_SECONDS: Final = 0.5


class PartitionConsumer(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka has no types
    """A consumer that reads every partition from the offset of ``resolve_offsets``.

    ``on_positioned`` is called with each partition and its offset, before the first record from that offset.
    """

    def __init__(
        self,
        *,
        resolve_offsets: OffsetResolver,
        on_positioned: Callable[[TopicPartition, int], None] = lambda partition, offset: None,
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        self._unpositioned = UnpositionedPartitions()
        self._subscription = KeptAssignment(self._unpositioned)
        self._resolve_offsets = resolve_offsets
        self._on_positioned = on_positioned
        self._resolving: asyncio.Task[Mapping[TopicPartition, int | Exception]] | None = None
        self._retry_at: dict[TopicPartition, float] = {}
        self._paused_until: dict[TopicPartition, float] = {}
        self._rounds = 0

    @property
    def has_failed(self) -> bool:
        """Whether a background task has ended. aiokafka never restarts such a task: the member then reads nothing."""
        tasks = self._coordinator._coordination_task, self._fetcher._fetch_task, self._client._sync_task
        return any(task.done() for task in tasks)

    @property
    def discovers_topics(self) -> bool:
        """Whether this consumer reads all topics whose names have a pattern."""
        return self._subscription.subscribed_pattern is not None

    def refresh_topics(self) -> None:
        """Ask Kafka for the topics now. Calls during a request share its answer."""
        self._client.force_metadata_update()

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[ConsumerRecord]]:
        """Records of the positioned partitions. Waits up to `WAIT_SECONDS` for records; ``timeout_ms`` is ignored.

        FastStream sleeps uninterruptibly after an empty result, so this method avoids empty results.
        """
        self._position_assigned()
        self._resume_due()
        limit = max_records or RECORDS_MAX
        drained = await self._drain(limit)
        if not drained:
            await self._wait_for_records(WAIT_SECONDS)
            self._position_assigned()
            drained = await self._drain(limit)
        elif (number := sum(map(len, drained.values()))) < SMALL_BATCH:
            # These records were fetched while the previous batch was handled. One more fetch makes a larger batch.
            await self._wait_for_records(FETCH_SECONDS)
            for partition, records in (await self._drain(limit - number)).items():
                drained.setdefault(partition, []).extend(records)
        return drained

    def read_again(self, partition: TopicPartition, offset: int) -> None:
        """Continue this partition at an earlier offset: the records from ``offset`` on were not handled."""
        if partition in self.assignment() and partition not in self._unpositioned.partitions:
            self.seek(partition, offset)

    def reset_position(self, partition: TopicPartition) -> None:
        """Resolve the offset of this partition again, from the database, before its next record is read."""
        self._unpositioned.add([partition])

    def pause_for(self, partition: TopicPartition, seconds: float) -> None:
        """Read nothing of this partition for ``seconds``; other partitions continue. Fetched records are dropped."""
        self._paused_until[partition] = time.monotonic() + seconds
        if partition in self.assignment():
            self.pause(partition)

    def end_pause(self, partition: TopicPartition) -> None:
        """End a pause of `pause_for` at the next poll."""
        if partition in self._paused_until:
            self._paused_until[partition] = 0.0

    def _resume_due(self) -> None:
        now = time.monotonic()
        for partition in [each for each, until in self._paused_until.items() if until <= now]:
            del self._paused_until[partition]
            if partition in self.assignment():
                self.resume(partition)

    def _position_assigned(self) -> None:
        """Apply the resolved offsets, and begin to resolve the offsets of all partitions without one.

        Positions change here only, between two batches: no record of an earlier position is handed on afterwards.
        """
        if self._resolving is not None and self._resolving.done():
            resolving, self._resolving = self._resolving, None
            self._apply(resolving)
        self._unpositioned.partitions &= self.assignment()
        now = time.monotonic()
        due = {each for each in self._unpositioned.partitions if self._retry_at.get(each, 0) <= now}
        if due and self._resolving is None:
            self._unpositioned.being_resolved = due
            self._resolving = asyncio.ensure_future(self._resolve_offsets(frozenset(due)))

    def _apply(self, resolving: "asyncio.Task[Mapping[TopicPartition, int | Exception]]") -> None:
        """Read each partition from its resolved offset. A partition that was reset meanwhile is resolved again."""
        # aiokafka leaks cancellations when Kafka is unreachable: such an error must not end the reading.
        error = KafkaError("cancelled") if resolving.cancelled() else resolving.exception()
        found = dict.fromkeys(self._unpositioned.being_resolved, error) if error else resolving.result()
        for partition in self._unpositioned.being_resolved & self.assignment():
            offset = found[partition]
            if isinstance(offset, int):
                self._begin_at(partition, offset)
            else:
                self._retry_later(partition, offset)

    def _begin_at(self, partition: TopicPartition, offset: int) -> None:
        self._on_positioned(partition, offset)
        self.seek(partition, offset)
        self._unpositioned.partitions.discard(partition)
        if partition in self._paused_until:
            self.pause(partition)  # A new assignment ends a pause.

    def _retry_later(self, partition: TopicPartition, error: BaseException | None) -> None:
        """The partition is not read until its offset is resolved; other partitions do not wait."""
        log.warning(
            "offset not resolved; partition not read yet",
            partition=f"{partition.topic}/{partition.partition}",
            error=error,
        )
        self._retry_at[partition] = time.monotonic() + _PAUSE_SECONDS

    async def _drain(self, limit: int) -> dict[TopicPartition, list[ConsumerRecord]]:
        """Up to ``limit`` records, an equal share per partition. Unused shares pass to later partitions.

        The first partition rotates per call. At `BATCH_BYTES_MAX` the remaining partitions wait for the next call.
        """
        ready = [each for each in self._fetcher._records if each not in self._unpositioned.partitions]
        if not ready:
            return {}
        self._rounds += 1
        first = self._rounds % len(ready)
        drained: dict[TopicPartition, list[ConsumerRecord]] = {}
        space = BATCH_BYTES_MAX
        for index, partition in enumerate(ready[first:] + ready[:first]):
            if limit <= 0 or space <= 0:
                break
            if partition in self._unpositioned.partitions:
                continue
            memory = memory_of(self._fetcher._records.get(partition))
            before = memory.record_bytes if memory else 0
            if records := await self._records_of(partition, max(1, limit // (len(ready) - index))):
                drained[partition] = records
                limit -= len(records)
            if memory:
                space -= memory.record_bytes - before
                await self._after_decompression(partition, memory)
        return drained

    async def _after_decompression(self, partition: TopicPartition, memory: SafeMemoryRecords) -> None:
        """Yield to other tasks. If too many decompressed bytes wait, drop this batch; it is fetched again later."""
        if not memory.decompressed_bytes:
            return
        waiting = filter(None, map(memory_of, self._fetcher._records.values()))
        if sum(each.decompressed_bytes for each in waiting) > WAITING_BYTES_MAX:
            self._fetcher._records.pop(partition, None)
            self._fetcher._notify(self._fetcher._wait_consume_future)
        await asyncio.sleep(0)

    async def _records_of(self, partition: TopicPartition, limit: int) -> list[ConsumerRecord]:
        try:
            found = await super().getmany(partition, timeout_ms=0, max_records=limit)
        except ConsumerStoppedError:
            raise
        except Exception as error:
            log.exception("partition not read; resolving its offset again", partition=str(partition), exc_info=error)
            self.reset_position(partition)
            self._retry_at[partition] = time.monotonic() + _PAUSE_SECONDS
            return []
        return list(found.get(partition, ()))

    async def _wait_for_records(self, seconds: float) -> None:
        """Wait until a fetch has completed, partitions were assigned, or offsets were resolved. Drains no records."""
        self._unpositioned.changed.clear()
        with self._subscription.fetch_context():
            assigned = asyncio.ensure_future(self._unpositioned.changed.wait())
            futures = [self._fetcher._create_fetch_waiter(), assigned]
            resolving = [self._resolving] if self._resolving is not None else []
            failpoints.reached("consumer.wait")
            await asyncio.wait([*futures, *resolving], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            for future in futures:
                future.cancel()

    async def stop(self) -> None:
        """Stop reading, and the resolution of offsets."""
        if self._resolving is not None:
            self._resolving.cancel()
            await asyncio.wait([self._resolving], timeout=_PAUSE_SECONDS)
        await super().stop()
