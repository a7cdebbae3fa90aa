"""The cursor: the position of a reader on every lane, as one opaque text.

A cursor contains the owners' timelines and sequences and no numbers of the notifier. So a cursor has the same meaning
on every instance, after every rebuild, and for push and pull. A cursor also has a mark of each lane's identity: the
lane of another system is recognised.

The text is base64url of the positions, with padding, and then base64url of the marks. An instance of the version
before reads no further than the padding. A text without marks, of the version before, is a position on any system.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final, NamedTuple, TypeVar

import orjson
from samenspel.contracts.integers import INT32_MAX, INT64_MAX
from samenspel.contracts.problems import Rejected
from samenspel.contracts.strict_json import parse
from samenspel.contracts.topics import CANONICAL, LaneId

LANES_MAX: Final = 1_000
TEXT_CHARS_MAX: Final = 16_000
MARK_BYTES: Final = 6
"""Enough to tell two systems apart by accident; a reader that forges a mark misleads the reader alone."""
MARK_CHARS: Final = 8
PADDING: Final = "="


class BadCursor(ValueError):
    """The text is not a cursor of this API."""


class LanePosition(NamedTuple):
    """Last event that a reader received of a lane; positions of one lane are ordered by timeline and sequence."""

    timeline: int = 1
    sequence: int = 0


START: Final = LanePosition()
Cursor = Mapping[LaneId, LanePosition]
"""Position by topic and lane. An absent lane is at `START`."""
Marks = Mapping[LaneId, str]
"""Mark of the identity, by topic and lane. An absent lane has no known identity."""
Value = TypeVar("Value")


def advances(present: Cursor, wanted: Cursor) -> bool:
    """Whether ``wanted`` is further than ``present`` on any lane."""
    return any(place > present.get(name, START) for name, place in wanted.items())


@lru_cache(4 * LANES_MAX)
def mark_of(identity: str) -> str:
    """The mark of a lane's identity: the first bytes of the SHA-256, as base64url."""
    return urlsafe_b64encode(sha256(identity.encode()).digest()[:MARK_BYTES]).decode()


def other_lane(sent: Marks, present: Marks) -> LaneId | None:
    """The first lane with another mark in a cursor than at present; a lane with one unknown mark is not compared."""
    return next((name for name in sorted(sent) if present.get(name, sent[name]) != sent[name]), None)


def encode(cursor: Cursor, marks: Marks | None = None) -> str:
    """Base64url of compact JSON: per topic the positions of the lanes, in order; and the marks likewise."""
    vector: dict[str, list[tuple[int, ...]]] = {}
    for topic, lane in sorted(name for name, place in cursor.items() if place != START):
        places = vector.setdefault(topic, [])
        places.extend(tuple(cursor.get((topic, between), START)) for between in range(len(places), lane + 1))
    return _text(orjson.dumps(vector), _marks_of_lanes(marks or {}))


def decode(text: str) -> dict[LaneId, LanePosition]:
    """The cursor in a text. An empty text is the beginning of all lanes. Raises `BadCursor`."""
    if not text:
        return {}
    if len(text) > TEXT_CHARS_MAX:
        raise BadCursor(BadCursor.__doc__)
    return _by_lane(text.partition(PADDING)[0], _lane_position)


def marks_in(text: str) -> dict[LaneId, str]:
    """The marks in a text that `decode` accepts; none in a text of the version before. Raises `BadCursor`."""
    encoded = text.partition(PADDING)[2].lstrip(PADDING)
    if not encoded:
        return {}
    return {name: mark for name, mark in _by_lane(encoded, _mark).items() if mark}


def _by_lane(encoded: str, read: Callable[[Any], Value]) -> dict[LaneId, Value]:
    """The values of all lanes in one part of a text. Raises `BadCursor`."""
    try:
        vector = parse(_bytes_of(encoded))
        return {
            (topic, lane): read(value) for topic, values in vector.items() for lane, value in _lanes(topic, values)
        }
    except (ValueError, TypeError, AttributeError, Rejected) as error:
        raise BadCursor(BadCursor.__doc__) from error


def _text(positions: bytes, marks: bytes) -> str:
    """Positions and marks as one text. Spaces after the positions make the padding that ends the first part."""
    if not marks:
        return urlsafe_b64encode(positions).decode().rstrip(PADDING)
    positions += b" " * (len(positions) % 3 == 0)
    return urlsafe_b64encode(positions).decode() + urlsafe_b64encode(marks).decode().rstrip(PADDING)


def _marks_of_lanes(marks: Marks) -> bytes:
    """Compact JSON: per topic the marks of the lanes, in order, with an empty text for no mark."""
    vector: dict[str, list[str]] = {}
    for topic, lane in sorted(marks):
        known = vector.setdefault(topic, [])
        known.extend(marks.get((topic, between), "") for between in range(len(known), lane + 1))
    return orjson.dumps(vector) if vector else b""


def _bytes_of(text: str) -> bytes:
    return urlsafe_b64decode(text + PADDING * (-len(text) % 4))


def _mark(text: Any) -> str:
    """The mark of a lane, empty for no mark. Raises ValueError for any other value."""
    if not isinstance(text, str) or len(text) not in (0, MARK_CHARS):
        raise ValueError(text)
    return text


def _lanes(topic: str, values: list[Any]) -> "enumerate[Any]":
    if topic not in CANONICAL or len(values) > LANES_MAX:
        raise ValueError(topic)
    return enumerate(values)


def _lane_position(pair: list[Any]) -> LanePosition:
    timeline, sequence = pair
    if not (type(timeline) is type(sequence) is int and 1 <= timeline <= INT32_MAX and 0 <= sequence <= INT64_MAX):
        raise ValueError(pair)
    return LanePosition(timeline, sequence)
