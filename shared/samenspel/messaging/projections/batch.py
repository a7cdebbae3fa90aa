"""Effect of a batch of canonical events on a projection, by the law of lanes. This module writes nothing."""

from dataclasses import dataclass, field

from samenspel.contracts.canonical import CanonicalEvent
from samenspel.contracts.catalogue import AggregateRef
from samenspel.contracts.digest import REMOVED
from samenspel.contracts.sequencing import Position, SequenceVerdict, step
from samenspel.contracts.topics import LaneId


@dataclass(slots=True)
class ProjectionBatch:
    """Effect of a batch on the projection.

    ``positions`` and ``hashes`` start as loaded from the database. ``events`` are the applied events, in order;
    ``latest`` has the last event of each aggregate. ``diverged`` has, by lane, the first sequence with a digest
    unlike the owner's digest. ``gaps`` are the lanes with a missing event.
    """

    positions: dict[LaneId, Position]
    hashes: dict[tuple[LaneId, AggregateRef], int]
    events: list[CanonicalEvent] = field(default_factory=list)
    latest: dict[AggregateRef, CanonicalEvent] = field(default_factory=dict)
    diverged: dict[LaneId, int] = field(default_factory=dict)
    gaps: set[LaneId] = field(default_factory=set)
    restarted: dict[LaneId, int] = field(default_factory=dict)
    """Lanes that started a new timeline, with the number of the timeline."""

    def apply(self, event: CanonicalEvent) -> None:
        """Apply one event if the law of lanes allows."""
        name = event.topic, event.lane
        old_hash = self.hashes.get((name, (event.aggregate, event.subject)), REMOVED)
        verdict, after, new_hash = step(self.positions[name], event.sequenced, old_hash)
        if verdict is SequenceVerdict.APPLY:
            self._apply(event, after, new_hash)
        elif verdict is SequenceVerdict.NEW_TIMELINE and event.sequence == 1:
            self._restart(name, event.timeline)
            self.apply(event)
        elif verdict is not SequenceVerdict.SKIP:
            self.gaps.add(name)

    def _restart(self, name: LaneId, timeline: int) -> None:
        """Discard the lane's effects so far, because the projection of the lane restarts on the new timeline."""
        self.restarted[name] = timeline
        self.positions[name] = Position(timeline)
        self.diverged.pop(name, None)
        self.hashes = {(lane, ref): hash for (lane, ref), hash in self.hashes.items() if lane != name}
        self.latest = {ref: event for ref, event in self.latest.items() if (event.topic, event.lane) != name}

    def _apply(self, event: CanonicalEvent, after: Position, new_hash: int) -> None:
        name, ref = (event.topic, event.lane), (event.aggregate, event.subject)
        if after.digest != event.statedigest:
            self.diverged.setdefault(name, event.sequence)
        self.positions[name] = after
        self.hashes[name, ref] = new_hash
        self.latest[ref] = event
        self.events.append(event)
