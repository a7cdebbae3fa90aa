"""A past moment of a replica: a day, a time, an event of a lane, or the number of an event in the file.

The state at a moment is the state after the last event of each aggregate up to the moment. Times are times of
recording by the owner; a day ends at midnight in Europe/Amsterdam. Numbers order the events of all lanes as this file
applied the events, so a number or a lane position means the same in one file only.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from samenspel.client.replica.connection import ReplicaError
from samenspel.contracts.integers import INT64_MAX, read_integer, read_sequence
from samenspel.contracts.submissions import DUTCH_TIME

WRITTEN: Final = (
    "write a day (2026-03-01), a time with zone (2026-03-01T12:00:00Z), a lane position (LANE@42), or a number"
)
_POSITION: Final = re.compile(r"(.+/[0-9]{1,9})@([0-9]{1,18})")
_NUMBER: Final = re.compile(r"[0-9]{1,18}")
NUMBER_OF_POSITION: Final = """
select e.number from main.event e join main.lane l on (l.lane, l.timeline) = (e.lane, e.timeline)
where e.lane = ? and e.sequence = ?
"""
_OF_POSITION: Final = f"number <= ({NUMBER_OF_POSITION})"


@dataclass(frozen=True, slots=True)
class PastMoment:
    """A condition in SQL on the events of the log, with its values."""

    condition: str
    values: tuple[Any, ...]
    is_position: bool = False
    """Whether the values are a lane and a sequence, which the file may not have."""


def read_moment(text: str) -> PastMoment:
    """The moment that ``text`` names. Raises ReplicaError."""
    try:
        if _NUMBER.fullmatch(text):
            return PastMoment("number <= ?", (read_integer(text, 0, INT64_MAX, "number"),))
        if position := _POSITION.fullmatch(text):
            return PastMoment(_OF_POSITION, (position[1], read_sequence(position[2])), is_position=True)
        return PastMoment("time < ?", (_first_after(text),))
    except (ValueError, OverflowError):
        raise ReplicaError(f"{text!r} is no moment: {WRITTEN}") from None


def _first_after(text: str) -> str:
    """The first millisecond after a day or time, as the time of an event. Raises ValueError, OverflowError."""
    if len(text) == len("2026-03-01"):
        after = datetime.combine(date.fromisoformat(text) + timedelta(days=1), time(), DUTCH_TIME)
    else:
        after = datetime.fromisoformat(text) + timedelta(milliseconds=1)
    if after.tzinfo is None:
        raise ValueError("a time without a zone")
    return after.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
