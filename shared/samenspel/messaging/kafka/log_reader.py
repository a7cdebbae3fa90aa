"""Reading Kafka logs without a consumer group: the bounds of logs, and the records at given offsets.

Requests about many partitions cost as many requests to Kafka as requests about a single partition.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any, Final, TypeAlias

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from samenspel.messaging.kafka.offset_requests import (
    EARLIEST,
    LATEST,
    MOVED,
    Offset,
    exists,
    forget,
    list_offsets,
    locate,
)
from samenspel.runtime import failpoints

_SECONDS_MAX: Final = 10.0
_STOP_SECONDS_MAX: Final = 1.0
_BATCH: Final = 1_000
_FETCH_WAIT_MS: Final = 20
_FETCH_SECONDS: Final = 1.0

Bounds = tuple[int, int]
"""First offset of a log, and end offset (the offset of the next record)."""
RecordOrError: TypeAlias = ConsumerRecord | Exception | None


class LogReader:
    """One consumer without a group, for one request at a time. Every request to Kafka has a timeout.

    The leaders of the topics asked about are remembered. A broker that is no longer the leader says so; then the
    leader is looked up again.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings
        self._lock = asyncio.Lock()
        self._consumer: AIOKafkaConsumer | None = None

    async def topics(self, prefix: str) -> list[str]:
        """Names of the visible topics with this prefix, sorted."""
        async with self._exclusive_consumer() as consumer, asyncio.timeout(_SECONDS_MAX):
            metadata = await consumer._client.fetch_all_metadata()
            return sorted(topic for topic in metadata.topics() if topic.startswith(prefix))

    async def existing(self, topics: Collection[str]) -> set[str]:
        """The topics of ``topics`` that exist and are visible to this service, asked for with one request.

        Raises `KafkaError` or `TimeoutError` when Kafka is unreachable.
        """
        async with self._exclusive_consumer() as consumer, asyncio.timeout(_SECONDS_MAX):
            forget(consumer._client, topics)
            await self._locate(consumer, topics)
            return {each for each in topics if exists(consumer._client, TopicPartition(each, 0))}

    async def end_offsets(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """End offset (the offset of the next record) by partition, without the partitions that do not exist.

        Raises `KafkaError` or `TimeoutError` when Kafka is unreachable, also for an empty ``partitions``.
        """
        async with self._exclusive_consumer() as consumer, asyncio.timeout(_SECONDS_MAX):
            ends = await self._offsets(consumer, partitions, LATEST)
            return {each: _offset_or_raise(end) for each, end in ends.items() if not isinstance(end, LookupError)}

    async def bounds(self, partition: TopicPartition) -> Bounds:
        """First offset and end offset of one log.

        Raises `LookupError` when the partition does not exist or is not visible to this service.
        """
        found = (await self.bounds_of([partition]))[partition]
        if isinstance(found, Exception):
            raise found
        return found

    async def bounds_of(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, Bounds | Exception]:
        """First offset and end offset of each log, or the error of this partition alone.

        The error is a `LookupError` when the partition does not exist or is not visible to this service. Raises
        `KafkaError` or `TimeoutError` when Kafka is unreachable.
        """
        async with self._exclusive_consumer() as consumer, asyncio.timeout(_SECONDS_MAX):
            ends = await self._offsets(consumer, partitions, LATEST)
            existing = [each for each, end in ends.items() if isinstance(end, int)]
            failpoints.reached("log-reader.start")
            starts = await list_offsets(consumer._client, existing, EARLIEST) if existing else {}
            return {each: _bounds(starts.get(each), end) for each, end in ends.items()}

    async def records(self, partition: TopicPartition, start: int, end: int) -> AsyncGenerator[ConsumerRecord]:
        """Records from offset ``start`` up to, not including, ``end``. Gaps between offsets are skipped.

        Callers use `contextlib.aclosing`, because the next request waits until the generator is closed.
        """
        if start >= end:
            return
        async with self._exclusive_consumer() as consumer:
            for error in (await self._seek(consumer, {partition: start})).values():
                raise error
            try:
                while records := await self._next_records(consumer, partition, end):
                    for record in records:
                        if record.offset >= end:
                            return
                        yield record
            finally:
                _unsubscribe(consumer)

    async def record_at(self, partition: TopicPartition, offset: int) -> ConsumerRecord | None:
        """The record at this offset, or None when the log has no such record, for example an expired one."""
        try:
            async with aclosing(self.records(partition, offset, offset + 1)) as found:
                return await anext(found, None)
        except OffsetOutOfRangeError:
            return None

    async def records_at(self, offsets: Mapping[TopicPartition, int]) -> dict[TopicPartition, RecordOrError]:
        """The record at an offset of each partition, fetched together: None when the log has no such record.

        Every offset is below the end of its log. The error of one partition concerns this partition alone.
        """
        if not offsets:
            return {}
        async with self._exclusive_consumer() as consumer:
            found = await self._seek(consumer, offsets)
            try:
                async with asyncio.timeout(_SECONDS_MAX):
                    while len(found) < len(offsets):
                        failpoints.reached("log-reader.fetch")
                        await _wait_for_fetch(consumer)
                        await _take_first(consumer, offsets, found)
            except TimeoutError as error:
                found |= {each: error for each in offsets if each not in found}
                await self.close()  # Its metadata may be stale.
            finally:
                _unsubscribe(consumer)
        return found

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

    async def _locate(self, consumer: AIOKafkaConsumer, topics: Collection[str]) -> None:
        failpoints.reached("log-reader.metadata")
        await locate(consumer._client, topics)

    async def _offsets(
        self, consumer: AIOKafkaConsumer, partitions: Collection[TopicPartition], which: int
    ) -> dict[TopicPartition, Offset]:
        """The offset of each partition. A partition whose leader has changed is asked for a second time."""
        found: dict[TopicPartition, Offset] = {}
        asked = set(partitions)
        for _ in range(2):
            await self._locate(consumer, {each.topic for each in asked})
            existing = [each for each in asked if exists(consumer._client, each)]
            failpoints.reached("log-reader.end")
            found |= {each: _missing(each) for each in asked}
            found |= await list_offsets(consumer._client, existing, which)
            asked = {each for each in existing if isinstance(found[each], MOVED)}
            if not asked:
                break
            forget(consumer._client, {each.topic for each in asked})
        return found

    async def _seek(
        self, consumer: AIOKafkaConsumer, offsets: Mapping[TopicPartition, int]
    ) -> dict[TopicPartition, Any]:
        """Read these partitions from these offsets. Returns the error of each partition that does not exist.

        aiokafka's ``assign`` would send a second metadata request.
        """
        async with asyncio.timeout(_SECONDS_MAX):
            await self._locate(consumer, {each.topic for each in offsets})
        existing = [each for each in offsets if exists(consumer._client, each)]
        consumer._subscription.assign_from_user(existing)
        for partition in existing:
            consumer.seek(partition, offsets[partition])
        return {each: _missing(each) for each in offsets if each not in existing}

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
        found = await consumer.getmany(partition, timeout_ms=int(_FETCH_SECONDS * 1_000), max_records=_BATCH)
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


def _missing(partition: TopicPartition) -> LookupError:
    return LookupError(f"Kafka has no {partition.topic}/{partition.partition}, or not for us")


def _offset_or_raise(found: Offset) -> int:
    if isinstance(found, Exception):
        raise found
    return found


def _bounds(start: Offset | None, end: Offset) -> Bounds | Exception:
    if not isinstance(end, int):
        return end
    assert start is not None  # asked for every partition that has an end
    return (start, end) if isinstance(start, int) else start


def _unsubscribe(consumer: AIOKafkaConsumer) -> None:
    """End the fetching, or the next request queues after a fetch without records.

    aiokafka's ``unsubscribe`` would ask for the metadata of all topics.
    """
    consumer._subscription.unsubscribe()


async def _wait_for_fetch(consumer: AIOKafkaConsumer) -> None:
    """Wait until a fetch has brought records or an error. Drains nothing."""
    if not consumer._fetcher._records:
        waiter = consumer._fetcher._create_fetch_waiter()
        await asyncio.wait([waiter], timeout=_FETCH_SECONDS)
        waiter.cancel()


async def _take_first(
    consumer: AIOKafkaConsumer, offsets: Mapping[TopicPartition, int], found: dict[TopicPartition, RecordOrError]
) -> None:
    """Add the first fetched record of each partition to ``found``, and fetch no more of that partition."""
    for partition in list(consumer._fetcher._records):
        if partition in offsets and partition not in found:
            await _take_first_of(consumer, partition, offsets[partition], found)
        if partition in found and consumer._subscription.is_assigned(partition):
            consumer.pause(partition)
        if partition in found or partition not in offsets:
            consumer._fetcher._records.pop(partition, None)


async def _take_first_of(
    consumer: AIOKafkaConsumer, partition: TopicPartition, offset: int, found: dict[TopicPartition, RecordOrError]
) -> None:
    try:
        records = (await consumer.getmany(partition, timeout_ms=0, max_records=1)).get(partition)
    except Exception as error:
        found[partition] = error
        return
    if records:
        found[partition] = records[0] if records[0].offset == offset else None
    elif await consumer.position(partition) > offset:
        found[partition] = None  # Kafka has only markers of transactions here.


async def _stop(consumer: AIOKafkaConsumer) -> None:
    """Stop the consumer within a second, and ignore the result.

    When Kafka is unreachable, aiokafka's ``stop`` leaks the `CancelledError` of aiokafka's own fetch task. The caller
    would take that error for a cancellation of the caller's own task, and end for good.
    """
    stopping = asyncio.ensure_future(consumer.stop())
    await asyncio.wait([stopping], timeout=_STOP_SECONDS_MAX)
    if not stopping.cancel() and not stopping.cancelled():
        stopping.exception()
