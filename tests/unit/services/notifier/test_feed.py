"""The feed's pages: gapless per lane, fair between lanes, and every event exactly once."""

from hypothesis import given
from hypothesis import strategies as st
from samenspel.contracts.topics import FUNDING, INITIATIVES

from services.notifier.domain.cursor import LanePosition
from services.notifier.feed import PAGE_BYTES_MAX, Range, cut, merged, plan, shares

names = st.tuples(st.sampled_from([INITIATIVES, FUNDING]), st.integers(0, 5))
wanted = st.dictionaries(names, st.integers(0, 40), max_size=12)
limits = st.integers(5, 100)


@given(wanted, limits)
def test_page_is_filled_up_to_its_limit(wanted: dict[tuple[str, int], int], limit: int) -> None:
    given_out = shares(wanted, limit)
    assert sum(given_out.values()) == min(limit, sum(wanted.values()))
    assert all(0 <= number <= wanted[name] for name, number in given_out.items())


@given(wanted, limits)
def test_lane_with_more_events_never_gets_a_smaller_share(wanted: dict[tuple[str, int], int], limit: int) -> None:
    given_out = shares(wanted, limit)
    short = [number for name, number in given_out.items() if number < wanted[name]]
    assert not short or min(short) >= max(given_out.values()) - 1


@given(wanted, limits)
def test_pages_cover_every_lane_without_gap_or_repeat(ends: dict[tuple[str, int], int], limit: int) -> None:
    heads = {name: LanePosition(1, number) for name, number in ends.items()}
    cursor: dict[tuple[str, int], LanePosition] = {}
    read: dict[tuple[str, int], int] = dict.fromkeys(ends, 0)
    while ranges := plan(cursor, heads, limit):
        assert sum(each.high - each.low for each in ranges) <= limit
        for each in ranges:
            assert each.low == read[each.topic, each.lane]
            read[each.topic, each.lane] = each.high
            cursor[each.topic, each.lane] = LanePosition(1, each.high)
    assert read == ends


def test_lane_on_a_new_timeline_is_read_from_its_first_event() -> None:
    ranges = plan({(FUNDING, 0): LanePosition(1, 70)}, {(FUNDING, 0): LanePosition(2, 5)}, 100)
    assert ranges == [Range(FUNDING, 0, 2, 0, 5)]


def test_cursor_ahead_of_the_feed_gets_an_empty_page() -> None:
    assert plan({(FUNDING, 0): LanePosition(1, 70)}, {(FUNDING, 0): LanePosition(1, 60)}, 100) == []


def test_lanes_are_merged_by_time_and_keep_their_own_order() -> None:
    rows = [
        {"topic": FUNDING, "lane": 0, "id": "02"},
        {"topic": FUNDING, "lane": 0, "id": "01"},
        {"topic": FUNDING, "lane": 1, "id": "00"},
        {"topic": FUNDING, "lane": 1, "id": "03"},
    ]
    assert [row["id"] for row in merged(rows)] == ["00", "02", "01", "03"]


def row(lane: int, sequence: int, size: int = 1) -> dict[str, object]:
    return {"topic": FUNDING, "lane": lane, "timeline": 1, "sequence": sequence, "value": b"x" * size}


def test_event_beyond_the_page_is_left_for_the_next() -> None:
    kept, left = cut([row(0, 4), row(1, 9), row(0, 7), row(0, 8)], 2)
    assert [(each["lane"], each["sequence"]) for each in kept] == [(0, 4), (1, 9)]
    assert left == {(FUNDING, 0): LanePosition(1, 6)}


def test_page_is_bounded_in_bytes_but_never_empty() -> None:
    large = PAGE_BYTES_MAX + 1
    kept, left = cut([row(0, 1, large), row(0, 2, large)], 10)
    assert len(kept) == 1 and left == {(FUNDING, 0): LanePosition(1, 1)}


def test_page_with_all_events_leaves_nothing() -> None:
    assert cut([row(0, 1), row(1, 1)], 2)[1] == {} == cut([], 2)[1]
