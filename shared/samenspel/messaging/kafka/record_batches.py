"""Record batches as they lie in Kafka's log, read so that nothing in them can stop a reader or fill its memory.

The broker looks at the frame of a batch, not into its records: names that are no UTF-8, offsets that lie, a payload
that unfolds a thousandfold or has bytes behind it all get through. aiokafka raises for some of these at every read,
and unfolds without a bound. So its batches are wrapped here: what can be read is handed on, and what cannot becomes a
record whose first header is `Undecoded` and holds the raw bytes.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch

DECOMPRESSED_BYTES_MAX: Final = 8 * 1_048_576
"""Of a compressed batch: clients count their batches before they compress them, and stop at 1 MiB."""
RECORDS_MAX: Final = 10_000
"""In one batch: with more of them, none has room for the attributes that an event needs."""

_FRAME: Final = struct.Struct(">qi")
_CODEC: Final = struct.Struct(">h")
_CODEC_AT: Final = 21
_RECORDS_AT: Final = 61
_CODECS: Final = 0x07
_GZIP: Final = 1
_GZIP_WINDOW: Final = 31
_VARINT_BITS_MAX: Final = 70

Headers = Sequence[tuple[str, bytes | None]]


class UndecodableMarker(str):
    """Stands as the name of a first header that no sender can send; says why. Its value are the raw bytes."""


class _UnusableBatch(ValueError):
    """The batch, or the rest of it, cannot be read; says why."""


@dataclass(frozen=True, slots=True)
class SafeRecord:
    """As aiokafka has it; ``timestamp`` in ms since 1970."""

    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    checksum: None = None


class SafeMemoryRecords:
    """The batches in what a fetch brought; takes the place of aiokafka's ``MemoryRecords``."""

    def __init__(self, fetched: bytes | None) -> None:
        self._fetched = fetched or b""
        self._at = 0

    def size_in_bytes(self) -> int:
        return len(self._fetched)

    def has_next(self) -> bool:
        """Whether another one is there whole: the last one of a fetch may be cut."""
        start = self._at
        return len(self._fetched) - start >= _RECORDS_AT and len(self._fetched) >= self._end(start)

    def next_batch(self) -> Any:
        start, self._at = self._at, self._end(self._at)
        whole = self._fetched[start : self._at]
        batch = DefaultRecordBatch(whole)
        return batch if batch.is_control_batch else SafeRecordBatch(batch, whole)

    def _end(self, start: int) -> int:
        return start + _FRAME.size + int(_FRAME.unpack_from(self._fetched, start)[1])


class SafeRecordBatch:
    """One batch of records; all else is as aiokafka's own says."""

    def __init__(self, batch: Any, whole: bytes) -> None:
        self._batch = batch
        self._whole = whole

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Any]:
        expected = self._batch.base_offset
        try:
            plain = self._decompressed()
            try:
                for record in DefaultRecordBatch(plain):
                    self._require_offset_in_batch(expected, record.offset)
                    expected = record.offset + 1
                    yield record
            except (UnicodeDecodeError, CorruptRecordException):
                for record in self._individually(plain, expected):
                    expected = record.offset + 1
                    yield record
        except _UnusableBatch as reason:
            if expected < self._batch.next_offset:
                yield self._undecodable_record(str(reason))

    def _decompressed(self) -> bytes:
        """The same batch, not compressed."""
        number = self._batch.next_offset - self._batch.base_offset
        if number > RECORDS_MAX:
            raise _UnusableBatch(f"{number:,} records in one batch; at most {RECORDS_MAX:,}")
        codec = self._batch.compression_type
        if not codec:
            return self._whole
        if codec != _GZIP:
            raise _UnusableBatch("compressed with another codec than gzip")
        attributes = _CODEC.pack(self._batch.attributes & ~_CODECS)
        behind = self._whole[_CODEC_AT + _CODEC.size : _RECORDS_AT]
        return self._whole[:_CODEC_AT] + attributes + behind + _gunzip(self._whole[_RECORDS_AT:])

    def _individually(self, plain: bytes, start: int) -> Iterator[SafeRecord]:
        """The records from offset ``start``, each by itself, so that one costs no other."""
        at, expected = _RECORDS_AT, self._batch.base_offset
        while at < len(plain):
            record, at = self._record_at(plain, at)
            self._require_offset_in_batch(expected, record.offset)
            expected = record.offset + 1
            if record.offset >= start:
                yield record

    def _record_at(self, plain: bytes, at: int) -> tuple[SafeRecord, int]:
        """The record there, and where the next one begins."""
        try:
            length, start = _varint_at(plain, at)
            _, moment = _varint_at(plain, start + 1)
            delta, behind = _varint_at(plain, moment)
            key, behind = _bytes_at(plain, behind)
            value, behind = _bytes_at(plain, behind)
            headers, behind = _headers_at(plain, behind)
        except (IndexError, ValueError) as error:
            raise _UnusableBatch("a record's lengths do not fit") from error
        if behind != start + length or behind > len(plain):
            raise _UnusableBatch("a record's lengths do not fit")
        return self._record(delta, key, value, _decoded_headers(headers, plain[at:behind])), behind

    def _record(self, delta: int, key: bytes | None, value: bytes | None, headers: Headers) -> SafeRecord:
        batch = self._batch
        return SafeRecord(batch.base_offset + delta, batch.max_timestamp, batch.timestamp_type, key, value, headers)

    def _require_offset_in_batch(self, expected: int, offset: int) -> None:
        if not expected <= offset < self._batch.next_offset:
            raise _UnusableBatch("offsets that are not the batch's own")

    def _undecodable_record(self, reason: str) -> SafeRecord:
        """What stands for all of the batch, or its rest: at its last offset, so that reading goes on behind it."""
        batch = self._batch
        said = f"{reason} (offsets {batch.base_offset} to {batch.next_offset - 1})"
        return self._record(
            batch.next_offset - 1 - batch.base_offset, None, None, [(UndecodableMarker(said), self._whole)]
        )


def _gunzip(payload: bytes) -> bytes:
    stream = zlib.decompressobj(wbits=_GZIP_WINDOW)
    try:
        plain = stream.decompress(payload, DECOMPRESSED_BYTES_MAX)
    except zlib.error as error:
        raise _UnusableBatch("a broken gzip stream") from error
    if not stream.eof:
        raise _UnusableBatch(f"a gzip stream that is cut, or unfolds to more than {DECOMPRESSED_BYTES_MAX:,} bytes")
    return plain


def _varint_at(plain: bytes, at: int) -> tuple[int, int]:
    """The number there in zigzag base 128, and where it ends; aiokafka's own reads on behind the bytes' end."""
    number = shift = 0
    while shift < _VARINT_BITS_MAX:
        digit = plain[at]
        at += 1
        number |= (digit & 0x7F) << shift
        if digit < 0x80:
            return (number >> 1) ^ -(number & 1), at
        shift += 7
    raise ValueError("a number without an end")


def _bytes_at(plain: bytes, at: int) -> tuple[bytes | None, int]:
    length, start = _varint_at(plain, at)
    if length < 0:
        return None, start
    if start + length > len(plain):
        raise ValueError("longer than all there is")
    return plain[start : start + length], start + length


def _headers_at(plain: bytes, at: int) -> tuple[list[tuple[bytes, bytes | None]], int]:
    number, at = _varint_at(plain, at)
    found = []
    for _ in range(number):
        name, at = _bytes_at(plain, at)
        value, at = _bytes_at(plain, at)
        found.append((name or b"", value))
    return found, at


def _decoded_headers(headers: Sequence[tuple[bytes, bytes | None]], raw: bytes) -> Headers:
    """With names as text; behind `Undecoded` when not every one is some, and then without those."""
    named: list[tuple[str, bytes | None]] = []
    for name, value in headers:
        try:
            named.append((name.decode(), value))
        except UnicodeDecodeError:
            continue
    complete = len(named) == len(headers)
    return named if complete else [(UndecodableMarker("a header's name is not UTF-8"), raw), *named]


def undecodable(headers: Headers | None) -> tuple[str, bytes | None] | None:
    """Why a record with these headers could not be decoded, and its raw bytes; None when it could."""
    if headers and isinstance(headers[0][0], UndecodableMarker):
        return str(headers[0][0]), headers[0][1]
    return None


def patch_aiokafka() -> None:
    """Make every consumer of this process read so: aiokafka has no other place for it."""
    fetcher.MemoryRecords = SafeMemoryRecords
