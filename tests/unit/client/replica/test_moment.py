"""A moment is a day in the Netherlands, a time with a zone, a lane position or a number; anything else is refused."""

import pytest
from samenspel.client.replica import ReplicaError, read_moment


@pytest.mark.parametrize(
    ("text", "first_after"),
    [
        ("2026-03-01", "2026-03-01T23:00:00.000Z"),
        ("2026-07-01", "2026-07-01T22:00:00.000Z"),
        ("2026-03-28", "2026-03-28T23:00:00.000Z"),
        ("2026-03-29", "2026-03-29T22:00:00.000Z"),
        ("2026-03-01T12:00:00Z", "2026-03-01T12:00:00.001Z"),
        ("2026-03-01T12:00:00.500+01:00", "2026-03-01T11:00:00.501Z"),
    ],
)
def test_day_ends_at_midnight_in_the_netherlands_and_a_time_is_included(text: str, first_after: str) -> None:
    assert read_moment(text).values == (first_after,)


def test_number_and_lane_position_are_recognised() -> None:
    assert read_moment("42").values == (42,)
    assert read_moment("samenspel.funding/3@42").values == ("samenspel.funding/3", 42)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-02-30",
        "2026-03-01T12:00:00",
        "9999-12-31",
        "-1",
        "funding@3",
        "1" * 19,
        "٣",
        "a/1@",
        "1e3",
    ],
)
def test_other_text_is_refused_with_the_forms_that_are_understood(text: str) -> None:
    with pytest.raises(ReplicaError, match="is no moment: write a day"):
        read_moment(text)
