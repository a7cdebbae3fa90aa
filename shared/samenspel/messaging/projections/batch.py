"""What a batch of others' events does to a copy, by the law of lanes; nothing is written here."""

from dataclasses import dataclass, field

from samenspel.contracts.canonical import CanonicalEvent
from samenspel.contracts.catalogue import Reference
from samenspel.contracts.digest import REMOVED, state_hash
from samenspel.contracts.sequencing import Position, Verdict, advance, is_removal, judge
from samenspel.contracts.topics import LaneName


@dataclass(slots=True)
class Application:
    """What a batch does to the copy: positions, hashes, and the latest event of each aggregate."""

    positions: dict[LaneName, Position]
    hashes: dict[tuple[LaneName, Reference], int]
    events: list[CanonicalEvent] = field(default_factory=list)
    latest: dict[Reference, CanonicalEvent] = field(default_factory=dict)
    diverged: dict[LaneName, int] = field(default_factory=dict)
    holes: set[LaneName] = field(default_factory=set)
    anew: dict[LaneName, int] = field(default_factory=dict)
    """Lanes that their owner started anew, and their timeline now."""

    def take(self, event: CanonicalEvent) -> None:
        """Apply one event if the law says so."""
        name = event.topic, event.lane
        verdict = judge(self.positions[name], event.timeline, event.sequence)
        if verdict is Verdict.NEW_TIMELINE and event.sequence == 1:
            self._begin_anew(name, event.timeline)
            verdict = Verdict.APPLY
        if verdict is Verdict.APPLY:
            self._apply(name, event)
        elif verdict is not Verdict.SKIP:
            self.holes.add(name)

    def _begin_anew(self, name: LaneName, timeline: int) -> None:
        """Nothing of the older timeline counts: the copy of this lane is made again from its first event."""
        self.anew[name] = timeline
        self.positions[name] = Position(timeline)
        self.diverged.pop(name, None)
        self.hashes = {place: hash for place, hash in self.hashes.items() if place[0] != name}
        self.latest = {each: event for each, event in self.latest.items() if (event.topic, event.lane) != name}

    def _apply(self, name: LaneName, event: CanonicalEvent) -> None:
        reference = event.aggregate, event.subject
        removed = is_removal(event.value)
        new = REMOVED if removed else state_hash(event.aggregate.encode(), event.subject.encode(), event.value)
        after = advance(self.positions[name], event, self.hashes.get((name, reference), REMOVED), new)
        if after.digest != event.statedigest:
            self.diverged.setdefault(name, event.sequence)
        self.positions[name] = after
        self.hashes[name, reference] = new
        self.latest[reference] = event
        self.events.append(event)
