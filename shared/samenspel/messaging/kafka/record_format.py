"""Record format of Kafka (Apache Kafka documentation, "Message Format", magic 2), read with bounds.

The format is read in two ways: the lengths alone, as the check before aiokafka's decoder; and record by record.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from samenspel.contracts.cloudevents import ATTRIBUTES_MAX

HEADERS_MAX: Final = ATTRIBUTES_MAX
MALFORMED: Final = "the lengths in a record do not match the record"
_VARINT_BITS_MAX: Final = 70
_FEW_HEADERS: Final = range(0, 0x80, 2)
"""Varints of one byte for the numbers 0 to 63. More headers, up to `HEADERS_MAX`, are rare."""

Headers = Sequence[tuple[str, bytes | None]]


class UndecodableMarker(str):
    """Name of the first header of an undecodable record; the text is the reason. Senders cannot send this type."""


class TooManyHeaders(str):
    """Name of the first header of a record with over `HEADERS_MAX` headers; `HEADERS_MAX` of these headers follow."""

    number: int

    def __new__(cls, number: int) -> "TooManyHeaders":
        marker = super().__new__(cls, f"{number:,} headers")
        marker.number = number
        return marker


class RawRecord(NamedTuple):
    """One record before the header names are decoded; ``headers`` are at most `HEADERS_MAX` of ``header_count``."""

    offset_delta: int
    key: bytes | None
    value: bytes | None
    header_count: int
    headers: Sequence[tuple[bytes, bytes | None]]


def record_lengths(plain: bytes, at: int) -> list[int] | None:
    """Length in bytes of each record from index ``at`` on, without creating any record.

    None if the number of headers has two bytes or is negative, or if the lengths do not match. Such records are
    decoded by `record_at`: aiokafka's decoder creates every header, and reads past the end of a record.
    """
    lengths, end = [], len(plain)
    # Varints of one or two bytes are read here: the calls of functions would take as long as the reading.
    try:
        while at < end:
            first, second = plain[at], plain[at + 1]
            if second < 0x80 <= first and not first & 1:
                length, start = (first & 0x7F | second << 7) >> 1, at + 2
            else:
                length, start = varint_at(plain, at)
            at = start + 2 if plain[start + 1] < 0x80 else varint_at(plain, start + 1)[1]  # timestamp delta
            if plain[at] < 0x80:  # offset delta
                at += 1
            else:
                at = at + 2 if plain[at + 1] < 0x80 else varint_at(plain, at)[1]
            first = plain[at]
            at = at + 1 + (first >> 1) if first < 0x80 and not first & 1 else _after_bytes(plain, at)  # key
            first, second = plain[at], plain[at + 1]
            if second < 0x80 <= first and not first & 1:  # value
                at += 2 + ((first & 0x7F | second << 7) >> 1)
            else:
                at = _after_bytes(plain, at)
            if plain[at] not in _FEW_HEADERS or not at < start + length <= end:
                return None
            at = start + length
            lengths.append(length)
    except (IndexError, ValueError):
        return None
    return lengths


def record_at(plain: bytes, at: int) -> tuple[RawRecord, int]:
    """The record at this index, and the index of the next record. Raises `IndexError` and `ValueError`."""
    length, start = varint_at(plain, at)
    end = start + length
    _, at = varint_at(plain, start + 1)
    delta, at = varint_at(plain, at)
    key, at = _bytes_at(plain, at)
    value, at = _bytes_at(plain, at)
    count, at = varint_at(plain, at)
    headers = []
    for _ in range(min(count, HEADERS_MAX)):
        name, at = _bytes_at(plain, at)
        content, at = _bytes_at(plain, at)
        headers.append((name or b"", content))
    if not start <= end <= len(plain) or at > end or (count <= HEADERS_MAX and at != end):
        raise ValueError(MALFORMED)
    return RawRecord(delta, key, value, count, headers), end


def varint_at(plain: bytes, at: int) -> tuple[int, int]:
    """The zigzag varint at this index, and the next index. Most varints have one or two bytes: these come first."""
    first = plain[at]
    if first < 0x80:
        return (first >> 1) ^ -(first & 1), at + 1
    second = plain[at + 1]
    if second < 0x80:
        number = first & 0x7F | second << 7
        return (number >> 1) ^ -(number & 1), at + 2
    return _long_varint_at(plain, at)


def _long_varint_at(plain: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while shift < _VARINT_BITS_MAX:
        digit = plain[at]
        at += 1
        number |= (digit & 0x7F) << shift
        if digit < 0x80:
            return (number >> 1) ^ -(number & 1), at
        shift += 7
    raise ValueError("a varint is too long")


def _after_bytes(plain: bytes, at: int) -> int:
    """The index after nullable bytes with their length. A length of one or two bytes is read here, for speed."""
    first = plain[at]
    if first < 0x80:
        return at + 1 if first & 1 else at + 1 + (first >> 1)
    if not first & 1 and (second := plain[at + 1]) < 0x80:
        return at + 2 + ((first & 0x7F | second << 7) >> 1)
    length, at = varint_at(plain, at)
    return at + max(length, 0)


def _bytes_at(plain: bytes, at: int) -> tuple[bytes | None, int]:
    length, start = varint_at(plain, at)
    if length < 0:
        return None, start
    if start + length > len(plain):
        raise ValueError("a length exceeds the remaining bytes")
    return plain[start : start + length], start + length
