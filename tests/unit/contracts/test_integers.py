"""Integers of the wire: digits only, within the bounds of the database."""

import pytest
from samenspel.contracts.integers import (
    INT32_MAX,
    INT64_MAX,
    read_integer,
    read_lane_number,
    read_sequence,
    read_timeline,
)


def test_number_within_its_bounds_is_read() -> None:
    assert (read_timeline(b"1"), read_timeline(str(INT32_MAX))) == (1, INT32_MAX)
    assert (read_sequence(b"00000000000000000001"), read_sequence(str(INT64_MAX))) == (1, INT64_MAX)
    assert read_lane_number("0") == 0


@pytest.mark.parametrize("number", [0, INT32_MAX + 1, 2**40, 2**63, 10**19])
def test_number_outside_its_bounds_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match=r"^timeline is not between 1 and 2147483647$"):
        read_timeline(str(number))


@pytest.mark.parametrize("text", ["", "-1", "+1", " 1", "1_0", "1.0", "0x1", "１", "1" * 21, "9" * 100_000])
def test_text_that_is_no_number_is_refused(text: str) -> None:
    """Also an endless one, before it is read: a number of a million digits takes minutes."""
    for form in (text, text.encode()):
        with pytest.raises(ValueError, match=r"^sequence is no number of at most 20 digits$"):
            read_integer(form, 1, INT64_MAX, "sequence")
