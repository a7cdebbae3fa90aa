"""Reading a Kafka log without a consumer group: the bounds of a log, and the records at given offsets."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from samenspel.runtime import failpoints

_SECONDS_MAX: Final = 10.0
_STOP_SECONDS_MAX: Final = 1.0
_BATCH: Final = 1_000
_FETCH_WAIT_MS: Final = 20


class LogReader:
    """One consumer without a group, for one request at a time. Every request to Kafka has a timeout."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings
        self._lock = asyncio.Lock()
        self._consumer: AIOKafkaConsumer | None = None

    async def topics(self, prefix: str) -> list[str]:
        """Names of the visible topics with this prefix, sorted."""
        async with self._exclusive_consumer() as consumer, asyncio.timeout(_SECONDS_MAX):
            metadata = await consumer._client.fetch_all_metadata()
            return sorted(topic for topic in metadata.topics() if topic.startswith(prefix))

    async def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """End offset (the offset of the next record) by partition, without the partitions that do not exist.

        Raises `KafkaError` or `TimeoutError` when Kafka is unreachable, also for an empty ``partitions``.
        """
        async with self._exclusive_consumer() as consumer, asyncio.timeout(_SECONDS_MAX):
            existing = await self._existing(consumer, partitions)
            return await self._end_offsets(consumer, existing) if existing else {}

    async def bounds(self, partition: TopicPartition) -> tuple[int, int]:
        """First offset of the log, and end offset (the offset of the next record).

        Raises `LookupError` when the partition does not exist or is not visible to this service.
        """
        async with self._exclusive_consumer() as consumer, asyncio.timeout(_SECONDS_MAX):
            if not await self._existing(consumer, [partition]):
                raise LookupError(f"Kafka has no {partition.topic}/{partition.partition}, or not for us")
            failpoints.reached("log-reader.start")
            start = (await consumer.beginning_offsets([partition]))[partition]
            return int(start), (await self._end_offsets(consumer, [partition]))[partition]

    async def records(self, partition: TopicPartition, start: int, end: int) -> AsyncGenerator[ConsumerRecord]:
        """Records from offset ``start`` up to, not including, ``end``. Gaps between offsets are skipped.

        Callers use `contextlib.aclosing`, because the next request waits until the generator is closed.
        """
        if start >= end:
            return
        async with self._exclusive_consumer() as consumer:
            consumer.assign([partition])
            consumer.seek(partition, start)
            try:
                while records := await self._next_records(consumer, partition, end):
                    for record in records:
                        if record.offset >= end:
                            return
                        yield record
            finally:
                # Otherwise the consumer keeps fetching, and the next request queues after a fetch without records.
                consumer.unsubscribe()

    async def record_at(self, partition: TopicPartition, offset: int) -> ConsumerRecord | None:
        """The record at this offset, or None when the log has no such record, for example an expired one."""
        try:
            async with aclosing(self.records(partition, offset, offset + 1)) as found:
                return await anext(found, None)
        except OffsetOutOfRangeError:
            return None

    async def close(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await _stop(consumer)

    @asynccontextmanager
    async def _exclusive_consumer(self) -> AsyncIterator[AIOKafkaConsumer]:
        """Lock the consumer for one request. A failed consumer is closed, because its metadata may be stale."""
        async with self._lock:
            try:
                async with asyncio.timeout(_SECONDS_MAX):
                    consumer = await self._connected()
                yield consumer
            except LookupError:
                raise
            except Exception:
                await self.close()
                raise

    async def _existing(
        self, consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition]
    ) -> list[TopicPartition]:
        """The partitions that exist and are visible to this service."""
        failpoints.reached("log-reader.metadata")
        metadata = await consumer._client.fetch_all_metadata()
        existing = [
            each for each in partitions if each.partition in (metadata.partitions_for_topic(each.topic) or ())
        ]
        for topic in {each.topic for each in existing}:
            # Otherwise aiokafka's first request for an unknown topic fails, and aiokafka waits 100 ms before a retry.
            await consumer._client.add_topic(topic)
        return existing

    async def _end_offsets(
        self, consumer: AIOKafkaConsumer, existing: Sequence[TopicPartition]
    ) -> dict[TopicPartition, int]:
        failpoints.reached("log-reader.end")
        return dict(await consumer.end_offsets(existing))

    async def _next_records(
        self, consumer: AIOKafkaConsumer, partition: TopicPartition, end: int
    ) -> list[ConsumerRecord]:
        """The next records, or none at ``end``. The timeout excludes the caller's time between two calls."""
        async with asyncio.timeout(_SECONDS_MAX):
            while await consumer.position(partition) < end:
                if records := await self._fetch(consumer, partition):
                    return records
        return []

    async def _fetch(self, consumer: AIOKafkaConsumer, partition: TopicPartition) -> list[ConsumerRecord]:
        failpoints.reached("log-reader.fetch")
        found = await consumer.getmany(partition, timeout_ms=1_000, max_records=_BATCH)
        return list(found.get(partition, ()))

    async def _connected(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            consumer = AIOKafkaConsumer(
                **self._settings,
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="none",
                isolation_level="read_uncommitted",
                fetch_max_wait_ms=_FETCH_WAIT_MS,
            )
            try:
                failpoints.reached("log-reader.connect")
                await consumer.start()
            except BaseException:
                await _stop(consumer)
                raise
            self._consumer = consumer
        return self._consumer


async def _stop(consumer: AIOKafkaConsumer) -> None:
    """Stop the consumer within a second, and ignore the result.

    When Kafka is unreachable, aiokafka's ``stop`` leaks the `CancelledError` of aiokafka's own fetch task. The caller
    would take that error for a cancellation of the caller's own task, and end for good.
    """
    stopping = asyncio.ensure_future(consumer.stop())
    await asyncio.wait([stopping], timeout=_STOP_SECONDS_MAX)
    if not stopping.cancel() and not stopping.cancelled():
        stopping.exception()
