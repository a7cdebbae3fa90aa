"""The law of lanes, for whoever reads one: a service, a replica, a receiver of webhooks.

An event is applied if and only if its timeline is the reader's and its sequence is the last one plus one. That one
rule removes duplicates, detects loss, keeps order and fences zombies; the digest then shows that what was applied
is what the owner has.
"""

from dataclasses import dataclass, replace
from enum import Enum, auto

import orjson

from samenspel.contracts.canonical import CanonicalEvent
from samenspel.contracts.digest import replaced


class SequenceVerdict(Enum):
    """What the law says of one event, given where the reader stands."""

    APPLY = auto()
    SKIP = auto()
    """Seen before, or of an older timeline."""
    GAP = auto()
    """Something before it is missing: read on, applying nothing, until that comes."""
    NEW_TIMELINE = auto()
    """The owner started the lane anew: this copy must be rebuilt from that timeline's first event."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a reader stands on one lane: the last applied event and the digest after it."""

    timeline: int = 1
    sequence: int = 0
    digest: int = 0
    last_offset: int = -1


def check(position: Position, timeline: int, sequence: int) -> SequenceVerdict:
    if timeline != position.timeline:
        return SequenceVerdict.SKIP if timeline < position.timeline else SequenceVerdict.NEW_TIMELINE
    if sequence == position.sequence + 1:
        return SequenceVerdict.APPLY
    return SequenceVerdict.SKIP if sequence <= position.sequence else SequenceVerdict.GAP


def advance(position: Position, event: CanonicalEvent, old_hash: int, new_hash: int) -> Position:
    """The position after applying ``event``, whose aggregate's ``H`` went from ``old_hash`` to ``new_hash``."""
    return replace(
        position,
        sequence=event.sequence,
        digest=replaced(position.digest, old_hash, new_hash),
        last_offset=event.offset,
    )


def is_removal(value: bytes) -> bool:
    """Whether the aggregate was removed: ``"removed": true`` at the top level of the data."""
    if b'"removed"' not in value:
        return False
    data = orjson.loads(value)
    return isinstance(data, dict) and data.get("removed") is True
