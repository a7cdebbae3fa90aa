"""Record batches of journal rows have the records that aiokafka's own builder would make, byte for byte."""

from collections.abc import Sequence

import pytest
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.util import encode_varint
from hypothesis import given
from hypothesis import strategies as st
from samenspel.contracts.attributes import CANONICAL, RECEIPT, Attribute
from samenspel.contracts.canonical import CONTENT_TYPE, to_headers
from samenspel.messaging.kafka.journal_batches import JournalBatchBuilder, encode_headers, varint
from samenspel.messaging.kafka.record_format import record_at

from tests.support.record_batches import RawRecord, encoded

BATCH_BYTES = 900_000
NO_NEWLINE = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=300)


def lines_of(attributes: Sequence[Attribute], values: Sequence[str]) -> bytes:
    named = zip(attributes, values, strict=True)
    return "".join(f"ce_{each.name}:{value}\n" for each, value in named).encode()


@st.composite
def header_lines(draw: st.DrawFn) -> bytes:
    """Lines of events and receipts, with and without optional attributes, and of other headers."""
    attributes = draw(st.sampled_from([CANONICAL, RECEIPT]))
    chosen = [each for each in attributes if not each.optional or draw(st.booleans())]
    if draw(st.booleans()):
        chosen = draw(st.lists(st.sampled_from(attributes), unique=True, max_size=25))
    return lines_of(chosen, [draw(NO_NEWLINE) for _ in chosen])


rows = st.lists(st.tuples(st.binary(max_size=50), header_lines(), st.binary(max_size=5_000)), min_size=1, max_size=5)


@given(st.integers(0, 2**31 - 1))
def test_varint_is_that_of_aiokafka(number: int) -> None:
    written = bytearray()
    encode_varint(number, written.append)
    assert varint(number) == bytes(written)


@given(header_lines())
def test_headers_are_those_of_the_lines(lines: bytes) -> None:
    expected = [(name.encode(), value) for name, value in to_headers(lines)]
    text = encoded(RawRecord(None, expected), 0)
    assert text.endswith(b"\x01\x01" + encode_headers(lines))
    assert record_at(text, 0)[0].headers == expected
    assert expected[-1] == (CONTENT_TYPE[0].encode(), CONTENT_TYPE[1])


@given(rows)
def test_batch_is_read_by_aiokafka_as_it_was_written(given_rows: list[tuple[bytes, bytes, bytes]]) -> None:
    builder = JournalBatchBuilder(BATCH_BYTES)
    for row in given_rows:
        assert builder.append_row(*row)
    builder._set_producer_state(7, 3, 12)
    text = builder._build()
    assert builder.size() == len(text)
    read = DefaultRecordBatch(text)
    assert read.validate_crc()
    assert (read.producer_id, read.producer_epoch, read.base_sequence) == (7, 3, 12)
    assert (read.base_offset, read.next_offset, read.first_timestamp) == (0, len(given_rows), read.max_timestamp)
    assert [(each.offset, each.key, each.value, each.headers) for each in DefaultRecordBatch(text)] == [
        (number, key, value, to_headers(lines)) for number, (key, lines, value) in enumerate(given_rows)
    ]


def test_bytes_are_those_of_aiokafkas_builder() -> None:
    lines = lines_of([each for each in CANONICAL if not each.optional], [each.example for each in CANONICAL][:-2])
    ours, theirs = JournalBatchBuilder(BATCH_BYTES), BatchBuilder(BATCH_BYTES, 0)
    for number in range(300):
        row = f"{number}".encode(), lines, b"x" * number * 20
        ours.append_row(*row)
        theirs.append(timestamp=ours._timestamp_ms, key=row[0], value=row[2], headers=to_headers(lines))
    for each in (ours, theirs):
        each._set_producer_state(7, 3, 12)
    assert bytes(theirs._build()) == ours._build()


@pytest.mark.parametrize(("size", "taken"), [(399_000, 2), (460_000, 1), (2_000_000, 1)])
def test_full_batch_takes_no_further_row(size: int, taken: int) -> None:
    builder = JournalBatchBuilder(BATCH_BYTES)
    accepted = [builder.append_row(b"key", b"ce_id:1\n", b"x" * size) for _ in range(4)]
    assert accepted == [True] * taken + [False] * (4 - taken)
    assert (builder.closed(), builder.record_count()) == (True, taken)
    assert builder.append(key=b"", value=b"", timestamp=None) is None


def test_batch_is_built_once() -> None:
    builder = JournalBatchBuilder(BATCH_BYTES)
    builder.append_row(b"key", b"ce_id:1\n", b"value")
    assert builder._build() is builder._build()
