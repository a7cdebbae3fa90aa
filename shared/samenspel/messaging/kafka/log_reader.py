"""Looking into Kafka without being a member of anything: where a log starts and ends, and what lies at an offset."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from samenspel.runtime import failpoints

_SECONDS_MAX: Final = 10.0
_STOP_SECONDS_MAX: Final = 1.0
_BATCH: Final = 1_000
_FETCH_WAIT_MS: Final = 20


class LogReader:
    """One consumer without a group, used for one question at a time. Every answer is bounded in time."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings
        self._lock = asyncio.Lock()
        self._consumer: AIOKafkaConsumer | None = None

    async def topics(self, prefix: str) -> list[str]:
        """The topics that we may see and whose name begins so."""
        async with self._exclusive_consumer() as consumer, asyncio.timeout(_SECONDS_MAX):
            known = await consumer._client.fetch_all_metadata()
            return sorted(topic for topic in known.topics() if topic.startswith(prefix))

    async def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """The offset that the next record of each will get; those that are not there are left out.

        Raises when Kafka is away, also when nothing is asked for.
        """
        async with self._exclusive_consumer() as consumer, asyncio.timeout(_SECONDS_MAX):
            there = await self._existing(consumer, partitions)
            return await self._end_offsets(consumer, there) if there else {}

    async def bounds(self, partition: TopicPartition) -> tuple[int, int]:
        """The first offset there is, and the one that the next record will get.

        Raises `LookupError` when there is no such partition (or we may not see it).
        """
        async with self._exclusive_consumer() as consumer, asyncio.timeout(_SECONDS_MAX):
            if not await self._existing(consumer, [partition]):
                raise LookupError(f"Kafka has no {partition.topic}/{partition.partition}, or not for us")
            failpoints.reached("probe.start")
            start = (await consumer.beginning_offsets([partition]))[partition]
            return int(start), (await self._end_offsets(consumer, [partition]))[partition]

    async def records(self, partition: TopicPartition, start: int, end: int) -> AsyncGenerator[ConsumerRecord]:
        """The records from offset ``start`` up to, not including, ``end``; gaps are passed over.

        To be used under `contextlib.aclosing`: the next question waits until this one is closed.
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
                # Else it goes on fetching, and the next question queues behind a fetch that waits for records.
                consumer.unsubscribe()

    async def record_at(self, partition: TopicPartition, offset: int) -> ConsumerRecord | None:
        """The record at this offset, or None when there is none."""
        async with aclosing(self.records(partition, offset, offset + 1)) as found:
            return await anext(found, None)

    async def close(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await _stop(consumer)

    @asynccontextmanager
    async def _exclusive_consumer(self) -> AsyncIterator[AIOKafkaConsumer]:
        """One question's turn. A consumer that failed is thrown away: what it knows of the cluster may be stale."""
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
        """Those of these that Kafka has, and lets us see."""
        failpoints.reached("probe.metadata")
        known = await consumer._client.fetch_all_metadata()
        there = [each for each in partitions if each.partition in (known.partitions_for_topic(each.topic) or ())]
        for topic in {each.topic for each in there}:
            # Else aiokafka's first question for an unknown topic fails, and it sleeps 100 ms before the second.
            await consumer._client.add_topic(topic)
        return there

    async def _end_offsets(
        self, consumer: AIOKafkaConsumer, there: Sequence[TopicPartition]
    ) -> dict[TopicPartition, int]:
        failpoints.reached("probe.end")
        return dict(await consumer.end_offsets(there))

    async def _next_records(
        self, consumer: AIOKafkaConsumer, partition: TopicPartition, end: int
    ) -> list[ConsumerRecord]:
        """The records that come next; none when ``end`` is reached. Only Kafka's time counts, not the reader's."""
        async with asyncio.timeout(_SECONDS_MAX):
            while await consumer.position(partition) < end:
                if records := await self._fetch(consumer, partition):
                    return records
        return []

    async def _fetch(self, consumer: AIOKafkaConsumer, partition: TopicPartition) -> list[ConsumerRecord]:
        failpoints.reached("probe.fetch")
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
                failpoints.reached("probe.connect")
                await consumer.start()
            except BaseException:
                await _stop(consumer)
                raise
            self._consumer = consumer
        return self._consumer


async def _stop(consumer: AIOKafkaConsumer) -> None:
    """Stop it, and forget what comes of that.

    With Kafka away aiokafka's ``stop`` lets the cancellation of its own fetch escape: to whoever awaits it that looks
    like an order to end, and a consumer's loop would obey it for good.
    """
    stopping = asyncio.ensure_future(consumer.stop())
    await asyncio.wait([stopping], timeout=_STOP_SECONDS_MAX)
    if not stopping.cancel() and not stopping.cancelled():
        stopping.exception()
