"""The law of lanes: the rule by which every reader (service or replica) applies canonical events.

A reader applies an event if and only if the event has the reader's timeline and the reader's sequence plus one. This
rule removes duplicates, detects loss, keeps order and fences zombies. The digest then shows that reader and owner
have the same aggregates.
"""

from enum import Enum, auto
from typing import NamedTuple

import orjson

from samenspel.contracts.digest import REMOVED, replaced, state_hash


class SequenceVerdict(Enum):
    """Result of the rule for one event at the position of one reader."""

    APPLY = auto()
    SKIP = auto()
    """The event was applied before, or belongs to an older timeline."""
    GAP = auto()
    """An earlier event is missing. The reader reads on and applies nothing until the missing event arrives."""
    NEW_TIMELINE = auto()
    """The owner started a new timeline. The reader must rebuild the lane from the first event of that timeline."""
    TIMELINE_JUMP = auto()
    """The timeline rises by more than one: no owner does so. The reader applies nothing, keeps its copy, and says so.

    A reader without any event accepts the first timeline that it reads.
    """


class Position(NamedTuple):
    """Position of a reader on one lane: timeline, sequence and offset of the last applied event, and the digest."""

    timeline: int = 1
    sequence: int = 0
    digest: int = 0
    last_offset: int = -1


SequencedEvent = tuple[int, int, int, bytes, bytes, bytes]
"""Timeline, sequence, offset, aggregate, subject and value of a canonical event. A tuple for speed."""
SequenceStep = tuple[SequenceVerdict, Position, int]
"""A verdict, the reader's position after the event, and ``H`` of the event's aggregate after the event."""


def step(position: Position, event: SequencedEvent, old_hash: int) -> SequenceStep:
    """Judge ``event`` and advance the position. Unless the verdict is ``APPLY``, position and hash stay the same.

    ``old_hash`` is ``H`` of the event's aggregate before the event. The caller compares the digest of the new
    position with the event's ``statedigest``.
    """
    timeline, sequence, offset, aggregate, subject, value = event
    verdict = check(position, timeline, sequence)
    if verdict is not SequenceVerdict.APPLY:
        return verdict, position, old_hash
    new_hash = hash_after(aggregate, subject, value)
    digest = replaced(position.digest, old_hash, new_hash)
    return verdict, Position(timeline, sequence, digest, offset), new_hash


def check(position: Position, timeline: int, sequence: int) -> SequenceVerdict:
    """Judge one event by timeline and sequence alone. Readers of canonical events call `step` instead."""
    if timeline != position.timeline:
        return _check_other_timeline(position, timeline)
    if sequence == position.sequence + 1:
        return SequenceVerdict.APPLY
    return SequenceVerdict.SKIP if sequence <= position.sequence else SequenceVerdict.GAP


def _check_other_timeline(position: Position, timeline: int) -> SequenceVerdict:
    if timeline < position.timeline:
        return SequenceVerdict.SKIP
    is_next = timeline == position.timeline + 1 or position.sequence == 0
    return SequenceVerdict.NEW_TIMELINE if is_next else SequenceVerdict.TIMELINE_JUMP


def hash_after(aggregate: bytes, subject: bytes, value: bytes) -> int:
    """``H`` of an aggregate after an event with this value; `REMOVED` when the event removes the aggregate."""
    return REMOVED if is_removal(value) else state_hash(aggregate, subject, value)


def is_removal(value: bytes) -> bool:
    """Whether the event removes the aggregate: ``"removed": true`` at the top level of the data."""
    if b'"removed"' not in value:
        return False
    data = orjson.loads(value)
    return isinstance(data, dict) and data.get("removed") is True
