"""The cursor: a text with a reader's position; any other text is refused."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import suppress

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samenspel.contracts.topics import CANONICAL

from services.notifier.domain.cursor import (
    START,
    BadCursor,
    LanePosition,
    decode,
    encode,
    mark_of,
    marks_in,
    other_lane,
)

places = st.builds(LanePosition, st.integers(1, 2**31 - 1), st.integers(0, 2**63 - 1))
names = st.tuples(st.sampled_from(sorted(CANONICAL)), st.integers(0, 47))
cursors = st.dictionaries(names, places, max_size=20)
marks = st.dictionaries(names, st.text().map(mark_of), max_size=20)
SAFE = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=")


@given(cursors)
def test_encoded_cursor_is_decoded_unchanged(cursor: dict[tuple[str, int], LanePosition]) -> None:
    known = decode(encode(cursor))
    assert {name: place for name, place in known.items() if place != START} == {
        name: place for name, place in cursor.items() if place != START
    }


@given(cursors, marks)
def test_marked_cursor_is_decoded_unchanged(
    cursor: dict[tuple[str, int], LanePosition], marked: dict[tuple[str, int], str]
) -> None:
    text = encode(cursor, marked)
    assert decode(text) == decode(encode(cursor))
    assert marks_in(text) == marked


def decode_as_before(text: str) -> dict[tuple[str, int], LanePosition]:
    """The decoder of the version before, for the time that both versions run."""
    vector = orjson.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return {(topic, lane): LanePosition(*pair) for topic, pairs in vector.items() for lane, pair in enumerate(pairs)}


@given(cursors, marks)
def test_instance_of_the_version_before_reads_the_positions_of_a_marked_cursor(
    cursor: dict[tuple[str, int], LanePosition], marked: dict[tuple[str, int], str]
) -> None:
    assert decode_as_before(encode(cursor, marked)) == decode(encode(cursor))


@given(cursors)
def test_cursor_of_the_version_before_has_no_marks(cursor: dict[tuple[str, int], LanePosition]) -> None:
    text = encode(cursor)
    assert marks_in(text) == marks_in(text + "=" * (-len(text) % 4)) == {}


@given(cursors, marks)
def test_cursor_is_safe_in_a_query_and_a_header(
    cursor: dict[tuple[str, int], LanePosition], marked: dict[tuple[str, int], str]
) -> None:
    assert set(encode(cursor, marked)) <= SAFE


def test_twelve_lanes_of_four_topics_fit_in_a_header() -> None:
    full = {(topic, lane): LanePosition(1, 10**9) for topic in CANONICAL for lane in range(12)}
    assert len(encode(full)) < 1_500
    assert len(encode(full, dict.fromkeys(full, mark_of("first")))) < 2_500


def test_lane_with_another_mark_is_of_another_system() -> None:
    one, other = ("samenspel.funding", 0), ("samenspel.funding", 1)
    assert other_lane({one: "a", other: "b"}, {one: "a", other: "c"}) == other


MARKED = {("samenspel.funding", 0): "a"}


@pytest.mark.parametrize(("sent", "present"), [(MARKED, {}), ({}, MARKED), (MARKED, MARKED)])
def test_lane_with_an_unknown_mark_is_not_compared(
    sent: dict[tuple[str, int], str], present: dict[tuple[str, int], str]
) -> None:
    """The cursor is of the version before, or this system has no event on the lane yet."""
    assert other_lane(sent, present) is None


@pytest.mark.parametrize("content", [[], 7, {"samenspel.secret": ["a"]}, {"samenspel.funding": [1]}, {"a": None}])
def test_forged_marks_are_refused(content: object) -> None:
    with pytest.raises(BadCursor):
        marks_in(encode({("samenspel.funding", 0): LanePosition(1, 1)}) + "=" + as_text(content))


def as_text(content: object) -> str:
    return urlsafe_b64encode(orjson.dumps(content)).decode()


def test_empty_text_is_the_beginning() -> None:
    assert decode("") == {}


@pytest.mark.parametrize(
    "content",
    [
        [],
        7,
        {"samenspel.secret": [[1, 1]]},
        {"samenspel.funding": [[1]]},
        {"samenspel.funding": [[0, 1]]},
        {"samenspel.funding": [[1, -1]]},
        {"samenspel.funding": [[1, True]]},
        {"samenspel.funding": [[1, 2**63]]},
        {"samenspel.funding": {"0": [1, 1]}},
        {"samenspel.funding": [[1, 1]] * 1_001},
    ],
)
def test_forged_cursor_is_refused(content: object) -> None:
    with pytest.raises(BadCursor):
        decode(urlsafe_b64encode(orjson.dumps(content)).decode())


@pytest.mark.parametrize("text", [b'{"samenspel.funding":[[1,1]],"samenspel.funding":[[1,2]]}', b"[" * 900])
def test_cursor_of_ambiguous_or_deep_json_is_refused(text: bytes) -> None:
    with pytest.raises(BadCursor):
        decode(urlsafe_b64encode(text).decode())


@pytest.mark.parametrize("text", [b"{", b'{"samenspel.funding":[],"samenspel.funding":[]}', b"[" * 900])
def test_marks_of_ambiguous_or_unreadable_json_are_refused(text: bytes) -> None:
    with pytest.raises(BadCursor):
        marks_in(encode({("samenspel.funding", 0): LanePosition(1, 1)}) + "=" + urlsafe_b64encode(text).decode())


@given(st.text(max_size=60))
def test_arbitrary_text_is_a_cursor_or_refused(text: str) -> None:
    with suppress(BadCursor):
        decode(text)
        marks_in(text)
