"""Whole record batches unlike any client's: some refused by the broker, the rest answered by the service."""

import gzip
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiokafka.record.util import encode_varint

from tests.support.record_batches import CONTROL, GZIP, LZ4, SNAPPY, TRANSACTIONAL, ZSTD, RawRecord, batch_of, encoded

Make = Callable[[Sequence[RawRecord]], bytes]
"""Makes a batch out of two good records."""
UNKNOWN, CORRUPT, TOO_LARGE, NOT_PERMITTED, BROKEN_ZSTD, INVALID = -1, 2, 10, 53, 76, 87
"""Kafka's error codes by protocol name: UNKNOWN_SERVER_ERROR, CORRUPT_MESSAGE, MESSAGE_TOO_LARGE,
TRANSACTIONAL_ID_AUTHORIZATION_FAILED, UNSUPPORTED_COMPRESSION_TYPE, INVALID_RECORD.
"""
YEAR_9999_MS = 253_402_300_799_000
MIB = 1_048_576
GARBAGE = b"garbage" * 20


@dataclass(frozen=True, slots=True)
class Taken:
    """A batch accepted by the broker; ``told`` are the codes of each answer, by relative offset."""

    name: str
    make: Make
    told: dict[int, set[str]]


def _records(records: Sequence[RawRecord]) -> bytes:
    return b"".join(encoded(record, delta) for delta, record in enumerate(records))


def _zipped(change: Callable[[bytes], bytes]) -> Make:
    return lambda records: batch_of(records, codec=GZIP, payload=change(_records(records)))


def _holding(codec: int, payload: bytes) -> Make:
    return lambda records: batch_of(records, codec=codec, payload=payload)


def _snappy(records: Sequence[RawRecord]) -> bytes:
    """The format's simplest form: the length, and a literal of at most 65,536 bytes."""
    plain = _records(records)
    length = bytes([len(plain) & 0x7F | 0x80, len(plain) >> 7])
    return batch_of(records, codec=SNAPPY, payload=length + b"\xf4" + (len(plain) - 1).to_bytes(2, "little") + plain)


def _bomb(size: int) -> bytes:
    """A record with a value of zeros, in gzip: a thousandth of the size."""
    behind = _number(0)
    before = b"\x00" + _number(0) + _number(0) + _number(-1) + _number(size)
    stream = zlib.compressobj(9, zlib.DEFLATED, 31)
    folded = [stream.compress(_number(len(before) + size + len(behind)) + before)]
    folded += [stream.compress(bytes(MIB)) for _ in range(size // MIB)]
    return b"".join([*folded, stream.compress(behind), stream.flush()])


def _header_bomb(number: int) -> bytes:
    """A record with empty headers, in gzip: a thousandth of the headers' two bytes each."""
    return gzip.compress(encoded(RawRecord(b"{}", [(b"", None)] * number), 0))


def _number(value: int) -> bytes:
    written = bytearray()
    encode_varint(value, written.append)
    return bytes(written)


def _timed(moment: int) -> Make:
    return lambda records: batch_of(records, times=(moment, moment))


REFUSED: dict[str, tuple[Make, int]] = {
    "a wrong checksum": (lambda records: batch_of(records, checksum=1), CORRUPT),
    "broken gzip": (_holding(GZIP, GARBAGE), UNKNOWN),
    "broken snappy": (_holding(SNAPPY, GARBAGE), UNKNOWN),
    "broken lz4": (_holding(LZ4, GARBAGE), UNKNOWN),
    "broken zstd": (_holding(ZSTD, GARBAGE), BROKEN_ZSTD),
    "cut gzip": (_zipped(lambda plain: gzip.compress(plain)[:-40]), UNKNOWN),
    "gzip with another checksum": (_zipped(lambda plain: gzip.compress(plain)[:-8] + bytes(8)), UNKNOWN),
    "gzip with too much in it": (_zipped(lambda plain: gzip.compress(plain + b"more")), INVALID),
    "a codec that is none": (lambda records: batch_of(records, codec=5), UNKNOWN),
    "no records": (lambda records: batch_of([], number=0), INVALID),
    "fewer records than it says": (lambda records: batch_of(records, number=3), INVALID),
    "more records than it says": (lambda records: batch_of(records, number=1), INVALID),
    "a negative number of records": (lambda records: batch_of(records, number=-1), INVALID),
    "bytes behind the records": (lambda records: batch_of(records, payload=_records(records) + b"x"), INVALID),
    "a record whose length lies": (lambda records: batch_of(records, payload=b"\x0a" + _records(records)), INVALID),
    "a header without even a name": (lambda records: batch_of([RawRecord(b"{}", [(None, b"x")])]), INVALID),
    "a control batch": (lambda records: batch_of(records, attributes=CONTROL), INVALID),
    "a transaction": (lambda records: batch_of(records, attributes=TRANSACTIONAL), NOT_PERMITTED),
    "more than a batch may have": (lambda records: batch_of([RawRecord(bytes(2 * MIB))]), TOO_LARGE),
}

BOTH_GOOD: dict[int, set[str]] = {0: set(), 1: set()}
LOST = {"unreadable-record"}
TAKEN = [
    Taken("gzip", _zipped(gzip.compress), BOTH_GOOD),
    Taken("gzip with bytes behind it", _zipped(lambda plain: gzip.compress(plain) + b"behind"), BOTH_GOOD),
    Taken("two gzip streams", _zipped(
        lambda plain: gzip.compress(plain[:40]) + gzip.compress(plain[40:])), {1: LOST}),
    Taken("snappy", _snappy, {1: LOST}),
    Taken("a value that unfolds to 100 MB", lambda records: batch_of(
        records[:1], codec=GZIP, payload=_bomb(100 * MIB)), {0: LOST}),
    Taken("1,150,000 headers in gzip", lambda records: batch_of(
        records[:1], codec=GZIP, payload=_header_bomb(1_150_000)), {0: {"too-many-attributes"}}),
    Taken("a second offset that lies", lambda records: batch_of(
        records, payload=encoded(records[0], 0) + encoded(records[1], 7)), {0: set(), 1: LOST}),
    Taken("a first offset that lies", lambda records: batch_of(
        records, payload=encoded(records[0], -3) + encoded(records[1], 1)), {1: LOST}),
    Taken("twice the same offset", lambda records: batch_of(
        records, payload=encoded(records[0], 0) + encoded(records[1], 0)), {0: set(), 1: LOST}),
    Taken("20,000 records of nothing", lambda records: batch_of([RawRecord(b"")] * 20_000), {19_999: LOST}),
    Taken("20,000 records of nothing in gzip", lambda records: batch_of(
        [RawRecord(b"")] * 20_000, codec=GZIP), {19_999: LOST}),
    Taken("500 records of nothing", lambda records: batch_of([RawRecord(b"")] * 500),
          {delta: {"missing-attribute"} for delta in range(500)}),
    Taken("attributes that nobody knows", lambda records: batch_of(records, attributes=0x7F00), BOTH_GOOD),
    Taken("sent in 1970", _timed(0), BOTH_GOOD),
    Taken("sent in 9999", _timed(YEAR_9999_MS), BOTH_GOOD),
    Taken("sent before time began", _timed(-2), BOTH_GOOD),
    Taken("sent when time ends", _timed(2**63 - 1), BOTH_GOOD),
]  # fmt: skip
