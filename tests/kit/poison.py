"""Record batches as no client makes them: bytes changed after they were built, with a checksum that fits again."""

from collections.abc import Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.record.util import calc_crc32c

from tests.kit.doors import Record

CHECKSUM = slice(17, 21)
"""Where a record batch (magic 2) has its CRC-32C; it covers everything behind it."""


async def send_bent(
    kafka: dict[str, object], topic: str, records: Sequence[Record], before: bytes, after: bytes
) -> None:
    """Send one record batch in which these bytes became those, of the same length, wherever they stand."""
    assert len(before) == len(after)
    producer = AIOKafkaProducer(**kafka, acks="all")
    try:
        await producer.start()
        batch = producer.create_batch()
        for headers, value in records:
            assert batch.append(key=None, value=value, timestamp=None, headers=list(headers)) is not None
        batch.close()
        batch._buffer = _bent(bytes(batch._build()), before, after)
        await (await producer.send_batch(batch, topic, partition=0))
    finally:
        await producer.stop()


def _bent(built: bytes, before: bytes, after: bytes) -> bytes:
    bent = built.replace(before, after)
    checksum: int = calc_crc32c(bent[CHECKSUM.stop :])
    return bent[: CHECKSUM.start] + checksum.to_bytes(4, "big") + bent[CHECKSUM.stop :]
