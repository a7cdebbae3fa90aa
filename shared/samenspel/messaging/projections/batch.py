"""Effect of a batch of canonical events on a projection, by the law of lanes. This module writes nothing."""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from samenspel.contracts.canonical import CanonicalEvent
from samenspel.contracts.catalogue import AggregateRef
from samenspel.contracts.digest import REMOVED
from samenspel.contracts.lane_identity import is_other_lane
from samenspel.contracts.sequencing import Position, SequenceVerdict, check, step
from samenspel.contracts.topics import LaneId

FOREIGN: Final = "is no canonical event"
OTHER_LANE: Final = "it begins with another event than the lane that was followed, so it is of another system"


class Divergence(NamedTuple):
    """The first event that does not fit: the sequence of the event, and the reason as ``/readyz`` shows it."""

    sequence: int
    reason: str

    @property
    def is_foreign(self) -> bool:
        """Whether a record that is no canonical event does not fit."""
        return self.reason.endswith(FOREIGN)


@dataclass(slots=True)
class ProjectionBatch:
    """Effect of a batch on the projection.

    ``positions``, ``hashes`` and ``diverged`` start as loaded from the database. ``events`` are the applied events,
    in order; ``latest`` has the last event of each aggregate. ``diverged`` has, by lane, the first event that does
    not fit. Such an event is not applied, and neither are the events after it, until an event that fits arrives:
    reader and owner then have the same aggregates again. ``gaps`` are the lanes with a missing event.
    """

    positions: dict[LaneId, Position]
    hashes: dict[tuple[LaneId, AggregateRef], int]
    events: list[CanonicalEvent] = field(default_factory=list)
    latest: dict[AggregateRef, CanonicalEvent] = field(default_factory=dict)
    diverged: dict[LaneId, Divergence] = field(default_factory=dict)
    gaps: set[LaneId] = field(default_factory=set)
    restarted: dict[LaneId, int] = field(default_factory=dict)
    """Lanes that started a new timeline, with the number of the timeline."""
    identities: dict[LaneId, str] = field(default_factory=dict)
    """Identity of each lane, as loaded from the database; a lane without events accepts that of its first event."""
    _diverged_before: dict[LaneId, Divergence] = field(init=False)

    def __post_init__(self) -> None:
        self._diverged_before = dict(self.diverged)

    @property
    def changed(self) -> bool:
        """Whether the batch has anything to store."""
        return bool(self.events) or self.diverged != self._diverged_before

    def apply(self, event: CanonicalEvent) -> bool:
        """Apply one event if the law of lanes allows, and if the digest after the event equals the owner's.

        Returns whether the event needs no second reading: the event was applied, or repeats an applied event.
        """
        name = event.topic, event.lane
        if self._is_of_other_system(name, event):
            return False
        position, old_hash = self.positions[name], self.hashes.get((name, _ref(event)), REMOVED)
        verdict = check(position, event.timeline, event.sequence)
        if restarts := verdict is SequenceVerdict.NEW_TIMELINE and event.sequence == 1:
            position, old_hash = Position(event.timeline), REMOVED
        verdict_there, after, new_hash = step(position, event.sequenced, old_hash)
        if verdict_there is SequenceVerdict.APPLY and after.digest != event.statedigest:
            self.refuse(name, event.sequence, f"digest differs from the owner's at event {event.sequence}")
        elif verdict_there is SequenceVerdict.APPLY:
            if restarts:
                self._begin_timeline(name, event.timeline)
            self._apply(event, after, new_hash)
            return True
        else:
            return self._not_applied(name, event, verdict)
        return False

    def _not_applied(self, name: LaneId, event: CanonicalEvent, verdict: SequenceVerdict) -> bool:
        """Judge an event that is not the next one: whether the event repeats an applied event.

        A repeat is recognised by its content, not by its place alone.
        """
        position = self.positions[name]
        if verdict is SequenceVerdict.TIMELINE_JUMP and event.offset > position.last_offset:
            self.refuse(name, event.sequence, f"timeline rises from {position.timeline} to {event.timeline}")
        elif verdict is not SequenceVerdict.SKIP and name not in self.diverged:
            self.gaps.add(name)
        elif event.position == (position.timeline, position.sequence) and event.statedigest != position.digest:
            self.refuse(name, event.sequence, f"event {event.sequence} in the log is not the event applied here")
        else:
            return verdict is SequenceVerdict.SKIP
        return False

    def _is_of_other_system(self, name: LaneId, event: CanonicalEvent) -> bool:
        """Whether the lane is of another system: no event is applied until the log begins with the known event."""
        if is_other_lane(self.identities.get(name), event.sequence, event.id):
            self.diverged[name] = Divergence(event.sequence, OTHER_LANE)
        found = self.diverged.get(name)
        if found is None or found.reason != OTHER_LANE:
            return False
        if is_back := event.sequence == 1 and event.id == self.identities.get(name):
            del self.diverged[name]
        return not is_back

    def refuse(self, name: LaneId, sequence: int, reason: str) -> None:
        """Name the first event that does not fit. The position stays before that event.

        A record before the last applied one, as in a log that is read again, was passed before and is not refused.
        """
        self.diverged.setdefault(name, Divergence(sequence, reason))

    def _begin_timeline(self, name: LaneId, timeline: int) -> None:
        """Discard the lane's effects so far, because the projection of the lane restarts on the new timeline."""
        self.restarted[name] = timeline
        self.positions[name] = Position(timeline)
        self.hashes = {(lane, ref): hash for (lane, ref), hash in self.hashes.items() if lane != name}
        self.latest = {ref: event for ref, event in self.latest.items() if (event.topic, event.lane) != name}

    def _apply(self, event: CanonicalEvent, after: Position, new_hash: int) -> None:
        name = event.topic, event.lane
        self.diverged.pop(name, None)
        if event.sequence == 1:
            self.identities.setdefault(name, event.id)
        self.positions[name] = after
        self.hashes[name, _ref(event)] = new_hash
        self.latest[_ref(event)] = event
        self.events.append(event)


def _ref(event: CanonicalEvent) -> AggregateRef:
    return event.aggregate, event.subject
