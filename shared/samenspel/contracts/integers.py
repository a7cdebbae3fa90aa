"""Integers of the wire, bounded when they are read: no reader ever holds a number that its database cannot store.

A timeline, a lane and a number of seconds fit in 32 bits, a sequence and an offset in 64 bits: the types ``int`` and
``bigint`` of PostgreSQL, and the signed types of the Kafka protocol.
"""

from typing import Annotated, Final

from pydantic import Field

INT32_MAX: Final = 2**31 - 1
INT64_MAX: Final = 2**63 - 1
DIGITS_MAX: Final = 20
"""Digits of a sequence in a header; a longer text is refused before it is read as a number."""

Timeline = Annotated[int, Field(ge=1, le=INT32_MAX, description="Timeline of a lane, from 1")]
Count = Annotated[int, Field(ge=0, le=INT32_MAX)]
Sequence = Annotated[int, Field(ge=1, le=INT64_MAX, description="Sequence of an event on its lane, from 1")]


def read_integer(text: str | bytes, minimum: int, maximum: int, name: str) -> int:
    """The number in a text of ASCII digits. Raises `ValueError`, which names the field, for any other text."""
    if len(text) > DIGITS_MAX or not text.isdigit() or not text.isascii():
        raise ValueError(f"{name} is no number of at most {DIGITS_MAX} digits")
    if not minimum <= (number := int(text)) <= maximum:
        raise ValueError(f"{name} is not between {minimum} and {maximum}")
    return number


def read_timeline(text: str | bytes) -> int:
    """The attribute ``timeline``. Raises `ValueError`."""
    return read_integer(text, 1, INT32_MAX, "timeline")


def read_sequence(text: str | bytes) -> int:
    """The attribute ``sequence``. Raises `ValueError`."""
    return read_integer(text, 1, INT64_MAX, "sequence")


def read_seconds(text: str) -> int:
    """A number of seconds, as in ``Retry-After``. Raises `ValueError`."""
    return read_integer(text, 0, INT32_MAX, "seconds")


def read_lane_number(text: str | bytes) -> int:
    """The number of a lane, as after the ``/`` in the attribute ``lane``. Raises `ValueError`."""
    return read_integer(text, 0, INT32_MAX, "lane")
