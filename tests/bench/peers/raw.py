"""The floor of the relay: aiokafka sends the same records in whole record batches, without a database.

Arguments: topic and first offsets of the records to read first, topic to send them to, number of records.
"""

import asyncio
import os
import sys
from typing import Any, Final

import orjson
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

VARIABLE: Final = "BENCH_KAFKA"
"""Environment variable with aiokafka's settings, as JSON."""
BATCH_BYTES_MAX: Final = 900_000
RECORDS: Final = 500
"""Of one batch, as the relay's."""

Record = tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]
"""Key, value and headers, as `create_batch` wants them."""


async def run(kafka: dict[str, Any], source: str, begin: list[int], target: str, count: int) -> None:
    lanes = await _read(kafka, source, begin, count)
    producer = AIOKafkaProducer(
        **kafka, acks="all", enable_idempotence=True, linger_ms=0, max_batch_size=BATCH_BYTES_MAX,
        max_request_size=BATCH_BYTES_MAX + 100_000,
    )  # fmt: skip
    await producer.start()
    await asyncio.gather(*(_send(producer, target, lane, records) for lane, records in lanes.items()))
    await producer.stop()


async def _read(kafka: dict[str, Any], source: str, begin: list[int], count: int) -> dict[int, list[Record]]:
    """The records by lane, all of them in memory."""
    consumer = AIOKafkaConsumer(**kafka, group_id=None, max_partition_fetch_bytes=4_194_304)
    await consumer.start()
    lanes = [TopicPartition(source, lane) for lane in range(len(begin))]
    consumer.assign(lanes)
    for lane, offset in zip(lanes, begin, strict=True):
        consumer.seek(lane, offset)
    found: dict[int, list[Record]] = {lane.partition: [] for lane in lanes}
    while sum(map(len, found.values())) < count:
        for lane, records in (await consumer.getmany(timeout_ms=200, max_records=5_000)).items():
            found[lane.partition] += [(each.key, each.value, [*each.headers]) for each in records]
    await consumer.stop()
    return found


async def _send(producer: AIOKafkaProducer, topic: str, lane: int, records: list[Record]) -> None:
    """One batch after the other, each after the acknowledgement of the last."""
    sent = 0
    while sent < len(records):
        batch = producer.create_batch()
        for key, value, headers in records[sent : sent + RECORDS]:
            if batch.append(key=key, value=value, timestamp=None, headers=headers) is None:
                break
        batch.close()
        sent += batch.record_count()
        await (await producer.send_batch(batch, topic, partition=lane))


if __name__ == "__main__":
    source, begin, target, count = sys.argv[1:]
    uvloop.run(run(orjson.loads(os.environ[VARIABLE]), source, orjson.loads(begin), target, int(count)))
