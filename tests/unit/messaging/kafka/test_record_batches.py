"""Damaged and hostile record batches: no exception, rising offsets, bounded memory, and no lost record afterwards."""

import random
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samenspel.messaging.kafka.record_batches import (
    DECOMPRESSED_BYTES_MAX,
    SafeMemoryRecords,
    excess_headers,
    undecodable,
)
from samenspel.messaging.kafka.record_format import HEADERS_MAX

from tests.support.record_batches import GZIP, RawRecord, batch_of


def test_compacted_batch_keeps_its_gaps() -> None:
    """Compaction removes records from a batch and keeps the frame, even for an empty batch."""
    two = [RawRecord(b"a"), RawRecord(b"b")]
    whole = batch_of([*two, RawRecord(b"c")], payload=b"")
    compacted = whole[:57] + (0).to_bytes(4, "big")
    assert [list(batch) for batch in _read(compacted)] == [[]]
    assert [batch.next_offset for batch in _read(compacted)] == [3]


@pytest.mark.parametrize("codec", [0, GZIP], ids=["plain", "gzip"])
def test_randomly_damaged_batch_never_raises_and_offsets_rise(codec: int) -> None:
    """Random bytes: nothing raises, offsets rise, and the last offset is the batch's or earlier."""
    chance = random.Random(codec)
    built = batch_of([RawRecord(b"v" * 30, [(b"name", b"value"), (b"other", None)], b"key")] * 4, codec=codec)
    lost = 0
    for _ in range(3_000):
        bent = bytearray(built)
        for _ in range(chance.randrange(1, 4)):
            bent[chance.randrange(61, len(bent))] = chance.randrange(256)
        [batch] = _read(bytes(bent))
        records = list(batch)
        offsets = [record.offset for record in records]
        assert offsets == sorted(set(offsets)) and set(offsets) <= set(range(4))
        lost += any(undecodable(record.headers) for record in records)
    assert lost > 100


def _read(fetched: bytes) -> list[Any]:
    found, batches = [], SafeMemoryRecords(fetched)
    while batches.has_next():
        found.append(batches.next_batch())
    return found


def test_partly_fetched_batch_is_not_read() -> None:
    whole = batch_of([RawRecord(b"a")])
    assert not any(_read(whole[:cut]) for cut in range(len(whole)))
    assert len(_read(whole + whole[:-1])) == 1


def test_header_bomb_is_answered_without_its_headers() -> None:
    """A record of 2.3 MB in 2 kB: the first headers name the submission, the others are never created."""
    first = [(b"ce_id", b"1"), (b"ce_source", b"city")]
    bomb = RawRecord(b"{}", [*first, *[(b"", None)] * 1_150_000])
    fetched = batch_of([RawRecord(b"before"), bomb, RawRecord(b"after")], codec=GZIP)
    assert len(fetched) < 10_000
    tracemalloc.start()
    before, record, after = list(_read(fetched)[0])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16_000_000, "the decompressed bytes and their copy, and nothing per header"
    assert (before.value, after.value) == (b"before", b"after")
    assert excess_headers(record.headers) == 1_150_002
    assert [name for name, _ in record.headers[1:3]] == ["ce_id", "ce_source"]
    assert len(record.headers) == 1 + HEADERS_MAX
    assert excess_headers(before.headers) is None


@pytest.mark.parametrize("number", [64, HEADERS_MAX])
def test_record_with_many_headers_is_read(number: int) -> None:
    headers = [(b"n%d" % each, b"v") for each in range(number)]
    [record] = list(_read(batch_of([RawRecord(b"value", headers)]))[0])
    assert [(name.encode(), value) for name, value in record.headers] == headers
    assert undecodable(record.headers) is excess_headers(record.headers) is None


def test_undecodable_record_of_a_compressed_batch_is_kept_in_few_bytes() -> None:
    fetched = batch_of([RawRecord(bytes(8_000_000), [(b"\xff", b"")])], codec=GZIP)
    [record] = list(_read(fetched)[0])
    reason, raw = undecodable(record.headers) or ("", None)
    assert (reason, raw) == ("a header name is not UTF-8", fetched)


def test_fetch_response_ends_after_the_limit_of_decompressed_bytes() -> None:
    """Twenty batches of 6 MB in 6 kB each: the response is read to the limit, and the rest is fetched again."""
    batch = batch_of([RawRecord(bytes(6_000_000))], codec=GZIP)
    responses = SafeMemoryRecords(batch * 20)
    read = 0
    while responses.has_next():
        assert [len(record.value) for record in responses.next_batch()] == [6_000_000]
        assert responses.decompressed_bytes == 0
        read += 1
    assert read == 2
    assert responses.decoded_bytes >= DECOMPRESSED_BYTES_MAX
    assert responses.record_bytes >= 12_000_000


@given(st.lists(st.integers(0, 5_000), min_size=1, max_size=5), st.sampled_from([0, GZIP]))
def test_handed_on_bytes_are_those_of_the_records(sizes: list[int], codec: int) -> None:
    fetched = batch_of([RawRecord(bytes(size), [(b"name", b"value")]) for size in sizes], codec=codec)
    response = SafeMemoryRecords(fetched)
    records = iter(response.next_batch())
    for number, size in enumerate(sizes, 1):
        assert len(next(records).value) == size
        assert sum(sizes[:number]) < response.record_bytes <= sum(sizes[:number]) + 40 * number
