"""Reading past a record that aiokafka cannot decode: librdkafka hands on all but that record's headers."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from aiokafka import ConsumerRecord, TopicPartition
from confluent_kafka import OFFSET_INVALID, Consumer, Message
from confluent_kafka import TopicPartition as Place

_SECONDS_MAX: Final = 5.0


async def rescue(
    settings: Mapping[str, Any], partition: TopicPartition, offset: int, room: int
) -> list[ConsumerRecord]:
    """Up to ``room`` records from ``offset``; the undecodable have ``headers`` None. Stops after the first such.

    ``settings`` are librdkafka's connection settings.
    """
    return await asyncio.to_thread(_read, settings, partition, offset, room)


def _read(settings: Mapping[str, Any], partition: TopicPartition, offset: int, room: int) -> list[ConsumerRecord]:
    consumer = Consumer(
        {
            **settings,
            "group.id": f"{settings['sasl.username']}-rescue",
            "enable.auto.commit": False,
            "enable.partition.eof": False,
            "auto.offset.reset": "error",
        }
    )
    try:
        consumer.assign([Place(partition.topic, partition.partition, offset)])
        records: list[ConsumerRecord] = []
        while len(records) < room:
            message = consumer.poll(_SECONDS_MAX)
            if message is None or message.error() or message.offset() in (None, OFFSET_INVALID):
                break
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
    try:
        return tuple(message.headers() or ())
    except (SystemError, UnicodeDecodeError):
        return None
