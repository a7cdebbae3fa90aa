"""A Kafka consumer that loses nothing of one partition because of what lies in another, and lets none wait for it.

aiokafka drains partition after partition; an error in a later one throws away what was drained before it, with the
positions already moved. So this one asks for one partition at a time, and takes of each its share in turn. And it
reads nothing of a newly assigned partition before it knows, from the database, where to read on: Kafka's committed
offset decides nothing.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import ConsumerStoppedError

from samenspel.messaging.kafka import connection_patch, record_batches
from samenspel.runtime import failpoints

log = structlog.get_logger()
record_batches.patch_aiokafka()
connection_patch.patch_aiokafka()

OffsetResolver = Callable[[TopicPartition, bool], Awaitable[int]]
"""From which offset to read on; the second says whether this reader has read it, and nothing happened to it since."""
RECORDS_MAX: Final = 500
WAIT_SECONDS: Final = 1.0
SMALL_BATCH: Final = 100
"""Records; with more of them a further look costs more time than it saves."""
FETCH_SECONDS: Final = 0.003
"""What a fetch takes of something that is there."""
_PAUSE_SECONDS: Final = 0.5


class UnpositionedPartitions(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """The partitions that were assigned and whose place to read on is not known yet."""

    def __init__(self) -> None:
        self.partitions: set[TopicPartition] = set()
        self.read_before: set[TopicPartition] = set()
        """Those that were read before and to which nothing has happened since: a topic made anew is none of them."""
        self.changed = asyncio.Event()

    def on_partitions_revoked(self, revoked: list[TopicPartition]) -> None:
        self.partitions.difference_update(revoked)

    def on_partitions_assigned(self, assigned: list[TopicPartition]) -> None:
        self.partitions.update(assigned)
        self.read_before.intersection_update(assigned)
        self.changed.set()


class PartitionConsumer(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka has no types
    """``resolve_offset`` says from which offset a partition is read."""

    def __init__(
        self, *topics: str, unpositioned: UnpositionedPartitions, resolve_offset: OffsetResolver, **settings: Any
    ) -> None:
        super().__init__(*topics, **settings)
        self._unpositioned = unpositioned
        self._resolve_offset = resolve_offset
        self._retry_at: dict[TopicPartition, float] = {}
        self._rounds = 0

    @property
    def has_failed(self) -> bool:
        """Whether a part of it has ended, which aiokafka never begins again: it reads no more, and stays a member."""
        parts = self._coordinator._coordination_task, self._fetcher._fetch_task, self._client._sync_task
        return any(part.done() for part in parts)

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[ConsumerRecord]]:
        """Records of what is open; waits up to a second for them, whatever ``timeout_ms`` says.

        FastStream sleeps, deaf, after an empty answer: so there are few empty answers.
        """
        await self._position_assigned()
        room = max_records or RECORDS_MAX
        drained = await self._drain(room)
        if not drained:
            await self._wait_for_records(WAIT_SECONDS)
            await self._position_assigned()
            drained = await self._drain(room)
        elif (few := sum(map(len, drained.values()))) < SMALL_BATCH:
            # Fetched when its receiver began with the ones before: what has come since makes one batch with these.
            await self._wait_for_records(FETCH_SECONDS)
            for partition, records in (await self._drain(room - few)).items():
                drained.setdefault(partition, []).extend(records)
        return drained

    def reset_position(self, partition: TopicPartition) -> None:
        """Ask the database again where to read on, before the next record of this partition."""
        self._unpositioned.partitions.add(partition)
        self._unpositioned.read_before.discard(partition)

    async def _position_assigned(self) -> None:
        self._unpositioned.partitions &= self.assignment()
        now = time.monotonic()
        for partition in [each for each in self._unpositioned.partitions if self._retry_at.get(each, 0) <= now]:
            try:
                self.seek(
                    partition, await self._resolve_offset(partition, partition in self._unpositioned.read_before)
                )
            except Exception as error:
                # Nothing of this partition is read until it can be opened; the others do not wait for it.
                log.warning("partition not opened", partition=f"{partition.topic}/{partition.partition}", error=error)
                self._retry_at[partition] = time.monotonic() + _PAUSE_SECONDS
            else:
                self._unpositioned.partitions.discard(partition)
                self._unpositioned.read_before.add(partition)

    async def _drain(self, limit: int) -> dict[TopicPartition, list[ConsumerRecord]]:
        """Up to ``room`` records; of each partition its share, and what is left over to whose turn it is."""
        ready = [each for each in self._fetcher._records if each not in self._unpositioned.partitions]
        if not ready:
            return {}
        self._rounds += 1
        turn = self._rounds % len(ready)
        drained: dict[TopicPartition, list[ConsumerRecord]] = {}
        for place, partition in enumerate(ready[turn:] + ready[:turn]):
            share = max(1, limit // (len(ready) - place))
            if limit > 0 and (records := await self._records_of(partition, share)):
                drained[partition] = records
                limit -= len(records)
        return drained

    async def _records_of(self, partition: TopicPartition, limit: int) -> list[ConsumerRecord]:
        try:
            found = await super().getmany(partition, timeout_ms=0, max_records=limit)
        except ConsumerStoppedError:
            raise
        except Exception as error:
            log.exception("partition not read; opened again", partition=str(partition), exc_info=error)
            self.reset_position(partition)
            self._retry_at[partition] = time.monotonic() + _PAUSE_SECONDS
            return []
        return list(found.get(partition, ()))

    async def _wait_for_records(self, seconds: float) -> None:
        """Wait until a fetch has brought something, draining nothing, or until partitions were assigned."""
        self._unpositioned.changed.clear()
        with self._subscription.fetch_context():
            assigned = asyncio.ensure_future(self._unpositioned.changed.wait())
            waiting = [self._fetcher._create_fetch_waiter(), assigned]
            failpoints.reached("reader.wait")
            _, late = await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            for future in late:
                future.cancel()
