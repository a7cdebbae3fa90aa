"""Damaged record batches: no exception, rising offsets, and no lost record afterwards."""

import random
from typing import Any

import pytest
from samenspel.messaging.kafka.record_batches import SafeMemoryRecords, undecodable

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
