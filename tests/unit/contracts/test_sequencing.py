"""The rule that every reader follows, on its own: whatever order records come in, each is applied once, in order."""

from hypothesis import given
from hypothesis import strategies as st
from samenspel.contracts.sequencing import Position, SequenceVerdict, check, is_removal

SEQUENCES = st.integers(0, 2**63 - 1)
TIMELINES = st.integers(1, 2**31 - 1)


@given(TIMELINES, SEQUENCES, TIMELINES, SEQUENCES)
def test_only_the_next_event_of_the_same_timeline_is_applied(
    own: int, last: int, timeline: int, sequence: int
) -> None:
    verdict = check(Position(own, last), timeline, sequence)
    assert (verdict is SequenceVerdict.APPLY) == (timeline == own and sequence == last + 1)
    assert (verdict is SequenceVerdict.SKIP) == (timeline < own or (timeline == own and sequence <= last))
    assert (verdict is SequenceVerdict.GAP) == (timeline == own and sequence > last + 1)
    assert (verdict is SequenceVerdict.NEW_TIMELINE) == (timeline > own)


@given(st.lists(st.integers(1, 12), max_size=60))
def test_repeats_and_jumps_never_break_the_order(records: list[int]) -> None:
    applied: list[int] = []
    for sequence in records:
        if check(Position(sequence=len(applied)), 1, sequence) is SequenceVerdict.APPLY:
            applied.append(sequence)
    assert applied == list(range(1, len(applied) + 1))


@given(st.integers(1, 8), st.lists(st.integers(0, 7), max_size=12), st.data())
def test_a_log_of_prefixes_is_applied_whole(events: int, published: list[int], data: st.DataObject) -> None:
    """Relays may begin again at any number that was published: all is applied once all was sent."""
    log: list[int] = []
    for start in [*published, 0]:
        begin = min(start, max(log, default=0))
        end = events if start == 0 else data.draw(st.integers(begin, events))
        log += range(begin + 1, end + 1)
    last = 0
    for sequence in log:
        last += check(Position(sequence=last), 1, sequence) is SequenceVerdict.APPLY
    assert last == events


def test_removal_is_told_by_the_top_level_only() -> None:
    assert is_removal(b'{"removed": true, "version": 2}')
    assert not is_removal(b'{"removed": false}')
    assert not is_removal(b'{"inner": {"removed": true}}')
    assert not is_removal(b'{"title": "\\"removed\\": true"}')
