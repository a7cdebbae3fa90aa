"""Safe decoding of the record batches in Kafka's log: no content can stop a consumer or fill the memory.

The broker checks the frame of a batch, not the records. Header names outside UTF-8, false offsets, payloads that
expand a thousandfold, a million headers, and trailing bytes all pass. aiokafka raises for some of these at every
read, and decompresses and creates headers without a limit. The wrappers of this module limit the bytes of a fetch
response after decompression, and count the headers of each record before aiokafka creates headers. The wrappers
replace an undecodable record by a record whose first header has an `UndecodableMarker` as name and the raw bytes as
value.
"""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from struct import Struct
from typing import Any, Final

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch

from samenspel.messaging.kafka.record_format import (
    HEADERS_MAX,
    MALFORMED,
    Headers,
    RawRecord,
    TooManyHeaders,
    UndecodableMarker,
    record_at,
    record_lengths,
)

DECOMPRESSED_BYTES_MAX: Final = 8 * 1_048_576
"""Per batch, and per fetched partition beyond its last batch. Clients limit a batch to 1 MiB before compression."""
RECORDS_MAX: Final = 10_000
"""Per batch. With more records, a record is too small for the attributes of an event."""

_FRAME: Final = Struct(">qi")
_CODEC: Final = Struct(">h")
_CODEC_AT: Final = 21
_RECORDS_AT: Final = 61
_CODECS: Final = 0x07
_GZIP: Final = 1
_GZIP_WINDOW: Final = 31


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
    """The batches of one partition in a fetch response. Replaces aiokafka's ``MemoryRecords``.

    ``record_bytes`` counts the bytes of the records handed on. ``decompressed_bytes`` is the size of the batch that
    is decompressed now, ``decoded_bytes`` the size of all batches so far, after decompression.
    """

    def __init__(self, fetched: bytes | None) -> None:
        self._fetched = fetched or b""
        self._at = 0
        self.record_bytes = self.decompressed_bytes = self.decoded_bytes = 0

    def size_in_bytes(self) -> int:
        return len(self._fetched)

    def has_next(self) -> bool:
        """Whether another whole batch follows. The last batch of a fetch may be truncated.

        After `DECOMPRESSED_BYTES_MAX` the result ends: aiokafka fetches the following batches again.
        """
        start = self._at
        if self.decoded_bytes > DECOMPRESSED_BYTES_MAX:
            return False
        return len(self._fetched) - start >= _RECORDS_AT and len(self._fetched) >= self._end(start)

    def next_batch(self) -> Any:
        start, self._at = self._at, self._end(self._at)
        whole = self._fetched[start : self._at]
        batch = DefaultRecordBatch(whole)
        return batch if batch.is_control_batch else SafeRecordBatch(batch, whole, self)

    def _end(self, start: int) -> int:
        return start + _FRAME.size + int(_FRAME.unpack_from(self._fetched, start)[1])


class SafeRecordBatch:
    """One batch of records. Other attributes are those of aiokafka's batch."""

    def __init__(self, batch: Any, whole: bytes, response: SafeMemoryRecords) -> None:
        self._batch = batch
        self._whole = whole
        self._response = response
        self._expected = batch.base_offset
        self._handed_on = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Any]:
        try:
            plain = self._decompressed()
            try:
                yield from self._in_order(self._by_aiokafka(plain))
            except (UnicodeDecodeError, CorruptRecordException):
                yield from self._in_order(islice(self._individually(plain), self._handed_on, None))
        except _UnusableBatch as reason:
            if self._expected < self._batch.next_offset:
                self._response.record_bytes += len(self._whole)
                yield self._undecodable_record(str(reason))
        finally:
            self._response.decompressed_bytes = 0

    def _in_order(self, records: Iterable[tuple[Any, int]]) -> Iterator[Any]:
        """The records, while the offsets rise within the batch."""
        expected, end, response = self._expected, self._batch.next_offset, self._response
        handed_on = 0
        try:
            for record, length in records:
                if not expected <= record.offset < end:
                    raise _UnusableBatch("an offset is outside the range of the batch")
                expected = record.offset + 1
                handed_on += 1
                response.record_bytes += length
                yield record
        finally:
            self._expected, self._handed_on = expected, handed_on

    def _decompressed(self) -> bytes:
        """The bytes of the batch without compression."""
        number = self._batch.next_offset - self._batch.base_offset
        if number > RECORDS_MAX:
            raise _UnusableBatch(f"{number:,} records in one batch; at most {RECORDS_MAX:,}")
        codec = self._batch.compression_type
        if not codec:
            self._response.decoded_bytes += len(self._whole)
            return self._whole
        if codec != _GZIP:
            raise _UnusableBatch("the compression codec is not gzip")
        plain = self._gunzip()
        attributes = _CODEC.pack(self._batch.attributes & ~_CODECS)
        return b"".join((self._whole[:_CODEC_AT], attributes, self._whole[_CODEC_AT + 2 : _RECORDS_AT], plain))

    def _gunzip(self) -> bytes:
        stream = zlib.decompressobj(wbits=_GZIP_WINDOW)
        try:
            plain = stream.decompress(self._whole[_RECORDS_AT:], DECOMPRESSED_BYTES_MAX)
        except zlib.error as error:
            raise _UnusableBatch("the gzip stream is invalid") from error
        self._response.decompressed_bytes = len(plain)
        self._response.decoded_bytes += len(plain)
        if not stream.eof:
            raise _UnusableBatch(f"the gzip stream is truncated, or expands to over {DECOMPRESSED_BYTES_MAX:,} bytes")
        return plain

    def _by_aiokafka(self, plain: bytes) -> Iterable[tuple[Any, int]]:
        """The records and their lengths. Raises if aiokafka's decoder fails, or would create too many headers."""
        lengths = record_lengths(plain, _RECORDS_AT)
        if lengths is None:
            raise CorruptRecordException(MALFORMED)
        return zip(DefaultRecordBatch(plain), lengths, strict=False)

    def _individually(self, plain: bytes) -> Iterator[tuple[SafeRecord, int]]:
        """The records and their lengths; an undecodable record affects no other record."""
        at = _RECORDS_AT
        while at < len(plain):
            begin = at
            try:
                raw, at = record_at(plain, begin)
            except (IndexError, ValueError) as error:
                raise _UnusableBatch(MALFORMED) from error
            yield self._record(raw, self._headers(raw, plain, slice(begin, at))), at - begin

    def _headers(self, raw: RawRecord, plain: bytes, record: slice) -> Headers:
        """The headers with a UTF-8 name. A marker is the first header if other headers were dropped."""
        named: list[tuple[str, bytes | None]] = []
        for name, value in raw.headers:
            try:
                named.append((name.decode(), value))
            except UnicodeDecodeError:
                continue
        if raw.header_count > HEADERS_MAX:
            return [(TooManyHeaders(raw.header_count), None), *named]
        if len(named) == len(raw.headers):
            return named
        # A compressed batch is kept whole if it takes fewer bytes than the record.
        kept = min(plain[record], self._whole, key=len)
        return [(UndecodableMarker("a header name is not UTF-8"), kept), *named]

    def _record(self, raw: RawRecord, headers: Headers) -> SafeRecord:
        batch = self._batch
        offset = batch.base_offset + raw.offset_delta
        return SafeRecord(offset, batch.max_timestamp, batch.timestamp_type, raw.key, raw.value, headers)

    def _undecodable_record(self, reason: str) -> SafeRecord:
        """One record for the batch or its rest, with the batch's last offset, so that reading continues after."""
        batch = self._batch
        marker = UndecodableMarker(f"{reason} (offsets {batch.base_offset} to {batch.next_offset - 1})")
        last = RawRecord(batch.next_offset - 1 - batch.base_offset, None, None, 0, ())
        return self._record(last, [(marker, self._whole)])


def undecodable(headers: Headers | None) -> tuple[str, bytes | None] | None:
    """The reason and the raw bytes of an undecodable record; None for a record that was decoded."""
    if headers and isinstance(headers[0][0], UndecodableMarker):
        return str(headers[0][0]), headers[0][1]
    return None


def excess_headers(headers: Headers | None) -> int | None:
    """The number of headers of a record with more than `HEADERS_MAX` headers; None for any other record."""
    if headers and isinstance(headers[0][0], TooManyHeaders):
        return headers[0][0].number
    return None


def patch_aiokafka() -> None:
    """Make every consumer of this process use these wrappers, because aiokafka offers no hook."""
    fetcher.MemoryRecords = SafeMemoryRecords
