"""The cursor: the position of a reader on every lane, as one opaque text.

A cursor contains the owners' timelines and sequences and no numbers of the notifier. So a cursor has the same meaning
on every instance, after every rebuild, and for push and pull.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import orjson
from samenspel.contracts.integers import INT32_MAX, INT64_MAX
from samenspel.contracts.problems import Rejected
from samenspel.contracts.strict_json import parse
from samenspel.contracts.topics import CANONICAL, LaneId

LANES_MAX: Final = 1_000
TEXT_CHARS_MAX: Final = 16_000


class BadCursor(ValueError):
    """The text is not a cursor of this API."""


class LanePosition(NamedTuple):
    """Last event that a reader received of a lane; positions of one lane are ordered by timeline and sequence."""

    timeline: int = 1
    sequence: int = 0


START: Final = LanePosition()
Cursor = Mapping[LaneId, LanePosition]
"""Position by topic and lane. An absent lane is at `START`."""


def advances(present: Cursor, wanted: Cursor) -> bool:
    """Whether ``wanted`` is further than ``present`` on any lane."""
    return any(place > present.get(name, START) for name, place in wanted.items())


def encode(cursor: Cursor) -> str:
    """Base64url of compact JSON: per topic the positions of the lanes, in order."""
    vector: dict[str, list[tuple[int, ...]]] = {}
    for topic, lane in sorted(name for name, place in cursor.items() if place != START):
        places = vector.setdefault(topic, [])
        places.extend(tuple(cursor.get((topic, between), START)) for between in range(len(places), lane + 1))
    return urlsafe_b64encode(orjson.dumps(vector)).decode().rstrip("=")


def decode(text: str) -> dict[LaneId, LanePosition]:
    """The cursor in a text. An empty text is the beginning of all lanes. Raises `BadCursor`."""
    if not text:
        return {}
    try:
        if len(text) > TEXT_CHARS_MAX:
            raise ValueError("too long")
        vector = parse(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return {
            (topic, lane): _lane_position(place)
            for topic, places in vector.items()
            for lane, place in _lanes(topic, places)
        }
    except (ValueError, TypeError, AttributeError, Rejected) as error:
        raise BadCursor(BadCursor.__doc__) from error


def _lanes(topic: str, places: list[Any]) -> "enumerate[Any]":
    if topic not in CANONICAL or len(places) > LANES_MAX:
        raise ValueError(topic)
    return enumerate(places)


def _lane_position(pair: list[Any]) -> LanePosition:
    timeline, sequence = pair
    if not (type(timeline) is type(sequence) is int and 1 <= timeline <= INT32_MAX and 0 <= sequence <= INT64_MAX):
        raise ValueError(pair)
    return LanePosition(timeline, sequence)
