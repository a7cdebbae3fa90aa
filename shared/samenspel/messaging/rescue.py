"""Reading past a record that aiokafka cannot decode: librdkafka hands on all but that record's headers."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import CorruptRecordException
from confluent_kafka import Consumer, KafkaError, Message
from confluent_kafka import TopicPartition as Place

Rescue = Callable[[TopicPartition, int, int], Awaitable[list[ConsumerRecord]]]
"""`rescue` with its settings given: partition, offset and room."""
UNDECODABLE: Final = (UnicodeDecodeError, CorruptRecordException)
"""What aiokafka raises for a record whose headers it cannot decode."""
_SECONDS_MAX: Final = 5.0


async def rescue(
    settings: Mapping[str, Any], partition: TopicPartition, offset: int, room: int
) -> list[ConsumerRecord]:
    """Up to ``room`` records from ``offset``; the undecodable have ``headers`` None.

    Stops after the first such, and at the end of the log: nobody else's records may wait for this.
    ``settings`` are librdkafka's connection settings.
    """
    return await asyncio.to_thread(_read, settings, partition, offset, room)


def _read(settings: Mapping[str, Any], partition: TopicPartition, offset: int, room: int) -> list[ConsumerRecord]:
    consumer = Consumer(
        {
            **settings,
            "group.id": f"{settings['sasl.username']}-rescue",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
        }
    )
    try:
        consumer.assign([Place(partition.topic, partition.partition, offset)])
        records: list[ConsumerRecord] = []
        deadline = time.monotonic() + _SECONDS_MAX
        while len(records) < room and (left := deadline - time.monotonic()) > 0:
            message = consumer.poll(left)
            error = message and message.error()
            if error and error.code() == KafkaError._PARTITION_EOF:
                break
            if message is None or error:
                continue  # nothing yet, or an error that librdkafka mends by itself: it is still connecting
            records.append(_record_of(partition, message))
            if records[-1].headers is None:
                break
        return records
    finally:
        consumer.close()


def _record_of(partition: TopicPartition, message: Message) -> ConsumerRecord:
    kind, moment = message.timestamp()
    key, value = message.key(), message.value()
    return ConsumerRecord(
        partition.topic,
        partition.partition,
        message.offset(),
        moment,
        kind,
        key,
        value,
        None,
        len(key or b""),
        len(value or b""),
        _headers_of(message),
    )


def _headers_of(message: Message) -> Any:
    """None when they cannot be decoded.

    `map` makes the call, because for a hot call of our own the interpreter would not look at the error that the
    binding leaves behind beside its result, and would raise it in whatever comes next.
    """
    try:
        read: Any = Message.headers
        return tuple(next(map(read, (message,))) or ())
    except (SystemError, UnicodeDecodeError):
        return None
