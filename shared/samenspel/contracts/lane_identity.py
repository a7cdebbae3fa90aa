"""Identity of a lane: the id of the event at sequence 1, kept across timelines (`recovery.timelines` copies the ids).

A lane without events has no identity, and accepts the identity of its first event. A reader that meets another
identity reads the lane of another system, and applies nothing.
"""

from typing import Final

TIMELINE_RISE_MAX: Final = 1
"""A reader that knows a lane meets each new timeline. After a larger rise, one between is not in the log."""


def is_other_lane(identity: str, sequence: int, event: str) -> bool:
    """Whether an event shows that its lane is not the lane with this ``identity``; "" for an unknown identity."""
    return sequence == 1 and bool(identity) and event != identity


def rises_too_far(timeline: int, next_timeline: int) -> bool:
    """Whether a reader on ``timeline`` that knows the lane must stop at an event of ``next_timeline``."""
    return next_timeline - timeline > TIMELINE_RISE_MAX
