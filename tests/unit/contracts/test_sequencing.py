"""The sequencing rule alone: in any order of records, each event is applied once, in order."""

from hypothesis import given
from hypothesis import strategies as st
from samenspel.contracts.digest import REMOVED, replaced, state_hash
from samenspel.contracts.sequencing import Position, SequenceVerdict, check, is_removal, step

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
    jumps = last > 0 and timeline > own + 1
    assert (verdict is SequenceVerdict.NEW_TIMELINE) == (timeline > own and not jumps)
    assert (verdict is SequenceVerdict.TIMELINE_JUMP) == jumps


def test_timeline_rises_by_one() -> None:
    assert check(Position(1, 5), 2, 1) is SequenceVerdict.NEW_TIMELINE
    assert check(Position(1, 5), 3, 1) is SequenceVerdict.TIMELINE_JUMP
    assert check(Position(1, 0), 3, 1) is SequenceVerdict.NEW_TIMELINE, "the first event of an empty copy"


@given(st.lists(st.integers(1, 12), max_size=60))
def test_repeats_and_jumps_never_break_the_order(records: list[int]) -> None:
    applied: list[int] = []
    for sequence in records:
        if check(Position(sequence=len(applied)), 1, sequence) is SequenceVerdict.APPLY:
            applied.append(sequence)
    assert applied == list(range(1, len(applied) + 1))


@given(st.integers(1, 8), st.lists(st.integers(0, 7), max_size=12), st.data())
def test_log_of_repeated_prefixes_is_applied_completely_and_in_order(
    events: int, published: list[int], data: st.DataObject
) -> None:
    """Relays may restart at any published sequence: everything is applied once all is sent."""
    log: list[int] = []
    for start in [*published, 0]:
        begin = min(start, max(log, default=0))
        end = events if start == 0 else data.draw(st.integers(begin, events))
        log += range(begin + 1, end + 1)
    last = 0
    for sequence in log:
        last += check(Position(sequence=last), 1, sequence) is SequenceVerdict.APPLY
    assert last == events


@given(st.integers(0, 2**256 - 1), st.integers(0, 2**256 - 1), st.binary(max_size=40), st.booleans())
def test_step_that_applies_moves_position_and_digest(digest: int, old: int, value: bytes, removes: bool) -> None:
    value = b'{"removed": true}' if removes else value
    event = 3, 8, 21, b"initiative.v1", b"subject", value
    verdict, after, new = step(Position(3, 7, digest, 20), event, old)
    assert verdict is SequenceVerdict.APPLY
    assert new == (REMOVED if removes else state_hash(b"initiative.v1", b"subject", value))
    assert after == Position(3, 8, replaced(digest, old, new), 21)


@given(TIMELINES, SEQUENCES, TIMELINES, SEQUENCES)
def test_step_has_the_verdict_of_the_check_and_otherwise_changes_nothing(
    own: int, last: int, timeline: int, sequence: int
) -> None:
    position = Position(own, last, digest=5, last_offset=9)
    verdict, after, new = step(position, (timeline, sequence, 10, b"initiative.v1", b"subject", b"{}"), 4)
    assert verdict is check(position, timeline, sequence)
    assert verdict is SequenceVerdict.APPLY or (after, new) == (position, 4)


def test_removal_is_recognised_at_the_top_level_only() -> None:
    assert is_removal(b'{"removed": true, "version": 2}')
    assert not is_removal(b'{"removed": false}')
    assert not is_removal(b'{"inner": {"removed": true}}')
    assert not is_removal(b'{"title": "\\"removed\\": true"}')
