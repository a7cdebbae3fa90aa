"""Identity of a lane: the id of the event at sequence 1, kept across timelines (`recovery.timelines` copies the ids).

A lane without events has no identity, and accepts the identity of its first event. A reader that meets another
identity reads the lane of another system, and applies nothing.
"""


def is_other_lane(identity: str | None, sequence: int, event: str) -> bool:
    """Whether an event shows that its lane is not the lane with this ``identity``; "" or None: not known yet."""
    return sequence == 1 and bool(identity) and event != identity
