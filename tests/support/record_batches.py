"""Record batches unlike any client's, byte by byte (Apache Kafka, "Message Format", magic 2)."""

import gzip
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka.record.util import calc_crc32c, encode_varint

from tests.support.kafka_protocol import PRODUCE, speaking_as
from tests.support.organisations import Organisation
from tests.support.submitting import Headers

NONE, GZIP, SNAPPY, LZ4, ZSTD = range(5)
TRANSACTIONAL, CONTROL = 0x10, 0x20
NOW_MS = 1_763_978_400_000
WITHIN_MS = 10_000
_HEAD = struct.Struct(">hiqqqhii")
"""Attributes, last offset delta, first and last time, producer id, producer epoch, first sequence, number of records.
"""

Produce = Callable[[bytes], Awaitable[tuple[int, int]]]
"""Takes a batch's bytes; returns the broker's error code, 0 on success, and the first offset."""
RawHeaders = Sequence[tuple[bytes | None, bytes | None]]


@dataclass(frozen=True, slots=True)
class RawRecord:
    """A record with every part chosen by the test; header names are bytes."""

    value: bytes | None
    headers: RawHeaders = ()
    key: bytes | None = None


def raw(headers: Headers, value: bytes | None) -> RawRecord:
    """The same record, ready to be bent."""
    return RawRecord(value, [(name.encode(), content) for name, content in headers])


def encoded(record: RawRecord, delta: int) -> bytes:
    """A record, ``delta`` offsets after the batch's first."""
    body = bytearray(b"\x00")
    encode_varint(0, body.append)
    encode_varint(delta, body.append)
    _put(body, record.key)
    _put(body, record.value)
    encode_varint(len(record.headers), body.append)
    for name, value in record.headers:
        _put(body, name)
        _put(body, value)
    whole = bytearray()
    encode_varint(len(body), whole.append)
    return bytes(whole + body)


def batch_of(
    records: Sequence[RawRecord],
    *,
    codec: int = NONE,
    payload: bytes | None = None,
    attributes: int = 0,
    times: tuple[int, int] = (NOW_MS, NOW_MS),
    number: int | None = None,
    checksum: int | None = None,
) -> bytes:
    """A batch; ``payload`` replaces the (compressed) records, ``number`` replaces the record count."""
    plain = b"".join(encoded(record, delta) for delta, record in enumerate(records))
    if payload is None:
        payload = gzip.compress(plain) if codec == GZIP else plain
    number = len(records) if number is None else number
    head = _HEAD.pack(attributes | codec, max(number - 1, 0), *times, -1, -1, -1, number)
    crc = calc_crc32c(head + payload) if checksum is None else checksum
    rest = struct.pack(">ibI", -1, 2, crc) + head + payload
    return struct.pack(">qi", 0, len(rest)) + rest


@asynccontextmanager
async def sender(kafka: Mapping[str, Any], topic: str) -> AsyncIterator[Produce]:
    """Produces batches unchanged, in order, over a connection; ``kafka``: aiokafka's settings."""
    async with speaking_as(kafka) as speaker:

        async def produce(batch: bytes) -> tuple[int, int]:
            answer = await speaker.ask(PRODUCE, None, -1, WITHIN_MS, [(topic, [(0, batch)])])
            [partition] = answer.topics[0].partitions
            return partition.error, partition.offset

        yield produce


async def send_batch(organisation: Organisation, topic: str, batch: bytes) -> tuple[int, int]:
    """Produce these bytes unchanged. Returns the broker's error code, 0 on success, and the first offset."""
    async with sender(organisation.kafka, topic) as produce:
        return await produce(batch)


def _put(body: bytearray, content: bytes | None) -> None:
    encode_varint(-1 if content is None else len(content), body.append)
    body += content or b""
