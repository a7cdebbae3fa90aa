"""The cursor: a text with a reader's position; any other text is refused."""

from base64 import urlsafe_b64encode
from contextlib import suppress

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samenspel.contracts.topics import CANONICAL

from services.notifier.domain.cursor import START, BadCursor, LanePosition, decode, encode

places = st.builds(LanePosition, st.integers(1, 2**31 - 1), st.integers(0, 2**63 - 1))
names = st.tuples(st.sampled_from(sorted(CANONICAL)), st.integers(0, 47))
cursors = st.dictionaries(names, places, max_size=20)


@given(cursors)
def test_encoded_cursor_is_decoded_unchanged(cursor: dict[tuple[str, int], LanePosition]) -> None:
    known = decode(encode(cursor))
    assert {name: place for name, place in known.items() if place != START} == {
        name: place for name, place in cursor.items() if place != START
    }


@given(cursors)
def test_cursor_is_safe_in_a_query_and_a_header(cursor: dict[tuple[str, int], LanePosition]) -> None:
    assert set(encode(cursor)) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_twelve_lanes_of_four_topics_fit_in_a_header() -> None:
    full = {(topic, lane): LanePosition(1, 10**9) for topic in CANONICAL for lane in range(12)}
    assert len(encode(full)) < 1_500


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


@given(st.text(max_size=60))
def test_arbitrary_text_is_a_cursor_or_refused(text: str) -> None:
    with suppress(BadCursor):
        decode(text)
