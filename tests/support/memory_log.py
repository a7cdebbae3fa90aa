"""Kafka as lists: the records of each partition, and a reader with a list of reset partitions."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka import ConsumerRecord, TopicPartition
from samenspel.contracts.canonical import to_headers
from samenspel.contracts.topics import INITIATIVES

from tests.support.events import Event, binary
from tests.support.service_schema import Room
from tests.support.submitting import Headers

APPENDED_AT: Final = 1_700_000_000_000
"""Milliseconds since 1970; the record at offset n was appended n ms later."""


def record(
    topic: str, lane: int, offset: int, headers: Headers, value: bytes, appended: int = 0, key: bytes | None = None
) -> ConsumerRecord:
    timestamp = appended or APPENDED_AT + offset
    return ConsumerRecord(topic, lane, offset, timestamp, 1, key, value, None, 0, len(value), tuple(headers))


@dataclass(slots=True)
class Log:
    """Answers as `samenspel.messaging.kafka.log_reader.LogReader` does; offsets are places in the lists."""

    partitions: dict[tuple[str, int], list[ConsumerRecord]] = field(default_factory=dict)
    starts: dict[tuple[str, int], int] = field(default_factory=dict)
    """First offset of a log with expired records; 0 for other logs."""

    def append(
        self, topic: str, lane: int, headers: Headers, value: bytes, appended: int = 0, key: bytes | None = None
    ) -> ConsumerRecord:
        there = self.partitions.setdefault((topic, lane), [])
        there.append(record(topic, lane, len(there), headers, value, appended, key))
        return there[-1]

    def submit(self, topic: str, events: Iterable[Event], appended: int = 0) -> None:
        """Submissions on an ingress topic."""
        for event in events:
            self.append(topic, 0, *binary(event), appended=appended)

    async def bounds(self, partition: TopicPartition) -> tuple[int, int]:
        return self.starts.get(tuple(partition), 0), len(self.partitions.get(tuple(partition), ()))

    async def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return {each: (await self.bounds(each))[1] for each in partitions}

    async def bounds_of(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, tuple[int, int]]:
        return {each: await self.bounds(each) for each in partitions}

    async def records_at(self, offsets: Mapping[TopicPartition, int]) -> dict[TopicPartition, ConsumerRecord | None]:
        return {each: await self.record_at(each, offset) for each, offset in offsets.items()}

    async def record_at(self, partition: TopicPartition, offset: int) -> ConsumerRecord | None:
        there = self.partitions.get(tuple(partition), [])
        return there[offset] if self.starts.get(tuple(partition), 0) <= offset < len(there) else None

    async def records(self, partition: TopicPartition, start: int, end: int) -> AsyncIterator[ConsumerRecord]:
        for each in self.partitions.get(tuple(partition), [])[start:end]:
            yield each


@dataclass(slots=True)
class Reader:
    """The interface of `samenspel.messaging.kafka.consumer.PartitionConsumer` for a handler."""

    reopened: list[Any] = field(default_factory=list)
    paused: dict[str, float] = field(default_factory=dict)
    """Seconds of the pause, by topic."""

    def reset_position(self, partition: TopicPartition) -> None:
        self.reopened.append(partition)

    def pause_for(self, partition: TopicPartition, seconds: float) -> None:
        self.paused[partition.topic] = seconds

    def read_again(self, partition: TopicPartition, offset: int) -> None:
        self.reopened.append(partition)

    def highwater(self, partition: TopicPartition) -> int:
        return 0


def as_read(published: Any) -> ConsumerRecord:
    """In the form given by a consumer."""
    return record(INITIATIVES, published.partition(), published.offset(), published.headers(), published.value())


async def publish(room: Room, log: Log) -> None:
    """Publish the whole journal like a relay, without saving progress."""
    for row in await room.rows("select * from journal order by topic, lane, sequence"):
        key = row["key"].encode()
        log.append(row["topic"], row["lane"], to_headers(row["headers"]), row["value"], key=key)
