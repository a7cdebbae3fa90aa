"""Kafka's record format is read with bounds: by lengths alone, and record by record."""

import pytest
from aiokafka.record.util import encode_varint
from hypothesis import given
from hypothesis import strategies as st
from samenspel.messaging.kafka.record_format import HEADERS_MAX, TooManyHeaders, record_at, record_lengths, varint_at

from tests.support.record_batches import RawRecord, encoded

contents = st.none() | st.binary(max_size=200)
records = st.builds(
    RawRecord,
    value=contents,
    headers=st.lists(st.tuples(st.binary(max_size=20), contents), max_size=5),
    key=contents,
)


def payload(*given: RawRecord) -> bytes:
    return b"".join(encoded(record, delta) for delta, record in enumerate(given))


def with_headers(number: int) -> RawRecord:
    return RawRecord(b"value", [(b"", None)] * number, b"key")


@given(st.integers(-(2**63), 2**63 - 1))
def test_varint_is_read_as_it_was_written(number: int) -> None:
    written = bytearray()
    encode_varint(number, written.append)
    assert varint_at(bytes(written) + b"behind", 0) == (number, len(written))


@pytest.mark.parametrize("endless", [b"\x80" * 11, b"\xff" * 1_000_000])
def test_varint_without_an_end_is_an_error(endless: bytes) -> None:
    with pytest.raises(ValueError, match="too long"):
        varint_at(endless, 0)


@given(st.lists(records, min_size=1, max_size=4))
def test_lengths_are_those_of_the_records(given_records: list[RawRecord]) -> None:
    text = payload(*given_records)
    lengths = record_lengths(text, 0)
    assert lengths is not None
    at = 0
    for delta, (record, length) in enumerate(zip(given_records, lengths, strict=True)):
        read, end = record_at(text, at)
        assert (read.offset_delta, read.key, read.value) == (delta, record.key, record.value)
        assert (read.header_count, list(read.headers)) == (len(record.headers), list(record.headers))
        assert varint_at(text, at)[1] + length == end
        at = end
    assert at == len(text)


@pytest.mark.parametrize("number", [0, 1, 63, 64, HEADERS_MAX, HEADERS_MAX + 1, 1_000_000])
def test_headers_are_counted_before_they_are_created(number: int) -> None:
    text = payload(with_headers(number), RawRecord(b"next"))
    assert (record_lengths(text, 0) is not None) == (number <= 63)
    read, end = record_at(text, 0)
    assert (read.header_count, len(read.headers)) == (number, min(number, HEADERS_MAX))
    assert record_at(text, end)[0].value == b"next"


@given(st.binary(max_size=60))
def test_arbitrary_bytes_are_read_or_refused(text: bytes) -> None:
    record_lengths(text, 0)
    try:
        _, end = record_at(text, 0)
    except (IndexError, ValueError):
        return
    assert 0 < end <= len(text)


def test_marker_of_too_many_headers_tells_their_number() -> None:
    assert (TooManyHeaders(1_150_000), TooManyHeaders(1_150_000).number) == ("1,150,000 headers", 1_150_000)
