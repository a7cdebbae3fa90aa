"""Committed rows in memory: consecutive, of one incarnation, within the limit of bytes."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from samenspel.messaging.outbox.journal import JournalBatch
from samenspel.messaging.outbox.recent_rows import RecentRows, RowRange
from samenspel.runtime.metrics import RECENT_BYTES

LANE = "samenspel.initiatives", 1
OTHER = "samenspel.initiatives", 2
LIMIT = 500


def row(sequence: int) -> tuple[str, bytes, bytes]:
    return f"{sequence}", b"ce_id:1\n", b"x" * 100


def batch(
    first: int, last: int, name: tuple[str, int] = LANE, timeline: int = 1, incarnation: str = "now"
) -> JournalBatch:
    rows = [row(sequence) for sequence in range(first, last + 1)]
    return JournalBatch([(*name, timeline, last, b"", 0, len(rows))], rows, incarnation)


def sequences(recent: RecentRows, after: int, name: tuple[str, int] = LANE, timeline: int = 1) -> Sequence[int]:
    found = recent.after(name, timeline, after, LIMIT)
    assert all((key, lines, value) == row(sequence) for sequence, key, lines, value in found)
    return [sequence for sequence, *_ in found]


def test_rows_of_consecutive_transactions_are_one_range() -> None:
    recent = RecentRows()
    recent.add([batch(1, 3), batch(4, 4)])
    recent.add([JournalBatch([], []), batch(5, 6), batch(8, 9, OTHER)])
    assert recent.ranges() == [RowRange(*LANE, 1, 1, 6), RowRange(*OTHER, 1, 8, 9)]
    assert sequences(recent, 2) == [3, 4, 5, 6]
    assert recent.after(LANE, 1, 2, 2) == [(3, *row(3)), (4, *row(4))]
    assert sequences(recent, 7, OTHER) == [8, 9]


def test_next_row_that_is_not_in_memory_is_not_replaced_by_a_later_one() -> None:
    recent = RecentRows()
    recent.add([batch(5, 6)])
    assert [sequences(recent, after) for after in (3, 4, 5, 6)] == [[], [5, 6], [6], []]
    assert sequences(recent, 4, timeline=2) == []
    recent.add([batch(8, 8)])
    assert recent.ranges() == [RowRange(*LANE, 1, 8, 8)]


def test_rows_of_another_incarnation_or_timeline_are_dropped() -> None:
    recent = RecentRows()
    recent.add([batch(1, 2), batch(1, 2, OTHER)])
    recent.add([batch(3, 4, timeline=2)])
    assert (sequences(recent, 2), sequences(recent, 2, timeline=2)) == ([], [3, 4])
    recent.add([batch(3, 3, OTHER, incarnation="restored")])
    assert (recent.incarnation, recent.ranges()) == ("restored", [RowRange(*OTHER, 1, 3, 3)])


def test_published_rows_are_forgotten() -> None:
    recent = RecentRows()
    recent.add([batch(1, 5), batch(1, 2, OTHER)])
    recent.forget(LANE, 1, 3)
    assert sequences(recent, 3) == [4, 5]
    recent.forget(LANE, 1, 2)
    recent.forget(OTHER, 1, 2)
    assert recent.ranges() == [RowRange(*LANE, 1, 4, 5)]
    recent.forget(LANE, 2, 1)
    assert recent.ranges() == []
    recent.add([])
    assert RECENT_BYTES._value.get() == 0


@given(st.lists(st.tuples(st.sampled_from([LANE, OTHER]), st.integers(1, 20), st.booleans()), max_size=30))
def test_bytes_in_memory_have_a_limit(steps: list[tuple[tuple[str, int], int, bool]]) -> None:
    recent, last = RecentRows(5_000), {LANE: 0, OTHER: 0}
    for name, number, publishes in steps:
        recent.add([batch(last[name] + 1, last[name] + number, name)])
        last[name] += number
        if publishes:
            recent.forget(name, 1, last[name] - number // 2)
        assert sum(each.last - each.first + 1 for each in recent.ranges()) * 350 <= 5_000
