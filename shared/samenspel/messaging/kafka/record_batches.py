"""Record batches of Kafka's log, decoded so that no content can stop a consumer or fill its memory.

The broker checks the frame of a batch, not the records. Header names outside UTF-8, false offsets, payloads that
expand a thousandfold, and trailing bytes all pass. aiokafka raises for some of these at every read, and decompresses
without a size limit. The wrappers of this module limit decompression to 8 MiB. They replace an undecodable record by
a record whose first header has an `UndecodableMarker` as name and the raw bytes as value.
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
"""Per compressed batch. Clients limit a batch to 1 MiB before compression."""
RECORDS_MAX: Final = 10_000
"""Per batch. With more records, a record is too small for the attributes of an event."""

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
    """Name of the first header of an undecodable record; the text is the reason. Senders cannot send this type."""


class _UnusableBatch(ValueError):
    """The batch, or the rest of the batch, cannot be decoded; the text is the reason."""


@dataclass(frozen=True, slots=True)
class SafeRecord:
    """Record with the attributes of aiokafka's record; ``timestamp`` in ms since 1970."""

    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    checksum: None = None


class SafeMemoryRecords:
    """The batches of one fetch response. Replaces aiokafka's ``MemoryRecords``."""

    def __init__(self, fetched: bytes | None) -> None:
        self._fetched = fetched or b""
        self._at = 0

    def size_in_bytes(self) -> int:
        return len(self._fetched)

    def has_next(self) -> bool:
        """Whether another whole batch follows. The last batch of a fetch may be truncated."""
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
    """One batch of records. Other attributes are those of aiokafka's batch."""

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
        """The bytes of the batch without compression."""
        number = self._batch.next_offset - self._batch.base_offset
        if number > RECORDS_MAX:
            raise _UnusableBatch(f"{number:,} records in one batch; at most {RECORDS_MAX:,}")
        codec = self._batch.compression_type
        if not codec:
            return self._whole
        if codec != _GZIP:
            raise _UnusableBatch("the compression codec is not gzip")
        attributes = _CODEC.pack(self._batch.attributes & ~_CODECS)
        frame_end = self._whole[_CODEC_AT + _CODEC.size : _RECORDS_AT]
        return self._whole[:_CODEC_AT] + attributes + frame_end + _gunzip(self._whole[_RECORDS_AT:])

    def _individually(self, plain: bytes, start: int) -> Iterator[SafeRecord]:
        """The records from offset ``start``, decoded one by one, so that an undecodable record affects no other."""
        at, expected = _RECORDS_AT, self._batch.base_offset
        while at < len(plain):
            record, at = self._record_at(plain, at)
            self._require_offset_in_batch(expected, record.offset)
            expected = record.offset + 1
            if record.offset >= start:
                yield record

    def _record_at(self, plain: bytes, at: int) -> tuple[SafeRecord, int]:
        """The record at this index, and the index of the next record."""
        try:
            length, start = _varint_at(plain, at)
            _, end = _varint_at(plain, start + 1)
            delta, end = _varint_at(plain, end)
            key, end = _bytes_at(plain, end)
            value, end = _bytes_at(plain, end)
            headers, end = _headers_at(plain, end)
        except (IndexError, ValueError) as error:
            raise _UnusableBatch("the lengths in a record do not match the record") from error
        if end != start + length or end > len(plain):
            raise _UnusableBatch("the lengths in a record do not match the record")
        return self._record(delta, key, value, _decoded_headers(headers, plain[at:end])), end

    def _record(self, delta: int, key: bytes | None, value: bytes | None, headers: Headers) -> SafeRecord:
        batch = self._batch
        return SafeRecord(batch.base_offset + delta, batch.max_timestamp, batch.timestamp_type, key, value, headers)

    def _require_offset_in_batch(self, expected: int, offset: int) -> None:
        if not expected <= offset < self._batch.next_offset:
            raise _UnusableBatch("an offset is outside the range of the batch")

    def _undecodable_record(self, reason: str) -> SafeRecord:
        """One record for the batch or its rest, with the batch's last offset, so that reading continues after."""
        batch = self._batch
        marker = UndecodableMarker(f"{reason} (offsets {batch.base_offset} to {batch.next_offset - 1})")
        return self._record(batch.next_offset - 1 - batch.base_offset, None, None, [(marker, self._whole)])


def _gunzip(payload: bytes) -> bytes:
    stream = zlib.decompressobj(wbits=_GZIP_WINDOW)
    try:
        plain = stream.decompress(payload, DECOMPRESSED_BYTES_MAX)
    except zlib.error as error:
        raise _UnusableBatch("the gzip stream is invalid") from error
    if not stream.eof:
        raise _UnusableBatch(f"the gzip stream is truncated, or expands to over {DECOMPRESSED_BYTES_MAX:,} bytes")
    return plain


def _varint_at(plain: bytes, at: int) -> tuple[int, int]:
    """The zigzag varint at this index, and the index after it. aiokafka's decoder reads past the end of the bytes."""
    number = shift = 0
    while shift < _VARINT_BITS_MAX:
        digit = plain[at]
        at += 1
        number |= (digit & 0x7F) << shift
        if digit < 0x80:
            return (number >> 1) ^ -(number & 1), at
        shift += 7
    raise ValueError("a varint is too long")


def _bytes_at(plain: bytes, at: int) -> tuple[bytes | None, int]:
    length, start = _varint_at(plain, at)
    if length < 0:
        return None, start
    if start + length > len(plain):
        raise ValueError("a length exceeds the remaining bytes")
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
    """The headers with a UTF-8 name. If other headers were dropped, the first header is an `UndecodableMarker`."""
    named: list[tuple[str, bytes | None]] = []
    for name, value in headers:
        try:
            named.append((name.decode(), value))
        except UnicodeDecodeError:
            continue
    complete = len(named) == len(headers)
    return named if complete else [(UndecodableMarker("a header name is not UTF-8"), raw), *named]


def undecodable(headers: Headers | None) -> tuple[str, bytes | None] | None:
    """The reason and the raw bytes of an undecodable record; None for a record that was decoded."""
    if headers and isinstance(headers[0][0], UndecodableMarker):
        return str(headers[0][0]), headers[0][1]
    return None


def patch_aiokafka() -> None:
    """Make every consumer of this process use these wrappers, because aiokafka offers no hook."""
    fetcher.MemoryRecords = SafeMemoryRecords
