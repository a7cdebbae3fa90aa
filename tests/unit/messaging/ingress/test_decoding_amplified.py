"""Small records that become large are decoded within a bound of memory, to the codes of a limit."""

import tracemalloc

import pytest

from tests.hostile_input.amplification import AMPLIFIED, Amplified
from tests.unit.messaging.ingress.test_decoding_hostile import a_good_event, codes_of, decoded

MEMORY_BYTES_MAX = 96 * 1_048_576
"""Eight MiB after decompression, with the copies that the decoders make of the largest record."""


@pytest.mark.parametrize("each", AMPLIFIED, ids=lambda each: each.name)
def test_amplified_record_is_decoded_within_bounded_memory(each: Amplified) -> None:
    batch = each.batch(a_good_event())
    assert len(batch) <= 1_048_576
    tracemalloc.start()
    found = decoded(batch)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert {frozenset(codes_of(answer)) for answer in found.values()} == {each.codes}
    assert peak < MEMORY_BYTES_MAX, f"{peak / 1_048_576:.0f} MiB"
