"""Verifying a replica: every lane made anew from the stored bytes, and compared with what its owner says.

What is on disk is not believed: ``H`` is taken again of each stored event, and the digest after each is made again.
"""

from dataclasses import dataclass, field, replace
from typing import Final

from samenspel.client.access.kafka_lanes import KafkaLanes, LaneId, Record
from samenspel.client.access.profile import Profile
from samenspel.client.replica.apply import ReplicaLane
from samenspel.client.replica.report import total_digest
from samenspel.client.replica.store import ReplicaStore
from samenspel.contracts.digest import MODULUS, REMOVED, state_hash, to_hex
from samenspel.contracts.sequencing import is_removal
from samenspel.contracts.topics import CANONICAL

FAULTS_MAX: Final = 100
_EVENTS: Final = """
select lane, sequence, id, aggregate, subject, hash, digest, value from event order by number
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something in the file that is not what its owner published; ``event`` wrote the aggregate last."""

    lane: str
    sequence: int
    event: str
    aggregate: str
    subject: str
    what: str

    def __str__(self) -> str:
        return (
            f"{self.aggregate} {self.subject}: {self.what} ({self.lane} sequence {self.sequence}, event {self.event})"
        )


@dataclass(frozen=True, slots=True)
class LaneVerdict:
    """``digest`` is made anew from the file. ``behind`` events, or None when the owner's lane was not asked.

    Below 0 this copy is ahead: its owner has lost events. An owner on a newer timeline has all of it to give.
    """

    lane: str
    timeline: int
    sequence: int
    digest: str
    equal: bool
    behind: int | None = None


@dataclass(frozen=True, slots=True)
class VerifyReport:
    lanes: tuple[LaneVerdict, ...]
    faults: tuple[Fault, ...]

    @property
    def is_equal(self) -> bool:
        return not self.faults and all(lane.equal and not lane.behind for lane in self.lanes)

    @property
    def total_digest(self) -> str:
        return total_digest(int(lane.digest, 16) for lane in self.lanes)


@dataclass(frozen=True, slots=True)
class _LastEvent:
    """The last event of an aggregate: its place, its hash as published and as it is."""

    place: tuple[str, int, str, str, str]
    published: int
    actual: int


@dataclass(slots=True)
class _Recomputation:
    """What follows from the stored events alone.

    ``digests`` are of the bytes as they are now. ``published`` goes on from the hash that was published with each
    event, so that one changed event is not held against all that follow.
    """

    sequences: dict[str, int] = field(default_factory=dict)
    digests: dict[str, int] = field(default_factory=dict)
    published: dict[str, int] = field(default_factory=dict)
    last: dict[tuple[str, str], _LastEvent] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def add_fault(self, place: tuple[str, int, str, str, str], what: str) -> None:
        if len(self.faults) < FAULTS_MAX:
            self.faults.append(Fault(*place, what))


def verify(store: ReplicaStore, profile: Profile | None = None, organisation: str = "") -> VerifyReport:
    """Recompute the file; with a profile also compare with what Kafka holds of the lanes from our place on.

    Raises SurroundingsMissing when Kafka is asked and does not answer.
    """
    recount = _recompute(store)
    verdicts = [_judge_lane(lane, recount) for lane in store.lanes()]
    if profile is not None:
        with KafkaLanes(profile.system().kafka, profile.credential(organisation)) as source:
            verdicts = _compare_with_owner(source, store, verdicts)
    return VerifyReport(tuple(verdicts), tuple(recount.faults))


def _recompute(store: ReplicaStore) -> _Recomputation:
    recount = _Recomputation()
    for lane, sequence, id, aggregate, subject, stored, digest, value in store.query(_EVENTS):
        last = _LastEvent(
            (lane, sequence, id, aggregate, subject),
            int.from_bytes(stored, "big"),
            hash_of(aggregate, subject, value),
        )
        if last.actual != last.published:
            recount.add_fault(last.place, "the stored event is not what was published: its bytes were changed")
        if sequence != recount.sequences.get(lane, 0) + 1:
            recount.add_fault(
                last.place, f"event {recount.sequences.get(lane, 0) + 1} of the lane is missing before it"
            )
        _advance(recount, lane, last, digest)
        recount.sequences[lane] = sequence
    return recount


def _advance(recount: _Recomputation, lane: str, last: _LastEvent, digest: str) -> None:
    """The lane's two sums after this event."""
    reference = last.place[3:]
    before = recount.last.get(reference)
    published = recount.published.get(lane, 0) - (before.published if before else REMOVED) + last.published
    actual = recount.digests.get(lane, 0) - (before.actual if before else REMOVED) + last.actual
    recount.published[lane], recount.digests[lane] = published % MODULUS, actual % MODULUS
    recount.last[reference] = last
    if to_hex(recount.published[lane]) != digest:
        recount.add_fault(last.place, "the digest after it is not its owner's")
        recount.published[lane] = int(digest, 16)


def _judge_lane(lane: ReplicaLane, recount: _Recomputation) -> LaneVerdict:
    """Whether the lane's own row says what its events say."""
    sequence, digest = recount.sequences.get(lane.label, 0), recount.digests.get(lane.label, 0)
    blamed = any(fault.lane == lane.label for fault in recount.faults)
    equal = (sequence, digest) == (lane.sequence, lane.digest) and not blamed
    return LaneVerdict(lane.label, lane.timeline, sequence, to_hex(digest), equal)


@dataclass(slots=True)
class _OwnerLane:
    """What an owner says on a lane from our place on: how far it is, and whether it says of our place what we do.

    All of it counts: what lies last may be a repeat of an older event, or one of an older timeline.
    """

    lane: ReplicaLane
    verdict: LaneVerdict
    latest: tuple[int, int] = (1, 0)
    agrees: bool = True
    position_found: bool = False

    def start_offset(self, start: int, end: int) -> int:
        """The offset from which to read, of a log with these bounds: ours, to see that we are there still."""
        offset = self.lane.last_offset
        self.position_found = not start <= offset < end
        return start if self.position_found else offset

    def add(self, record: Record) -> bool:
        """Whether it lies where we stand; if not, all of the lane must be heard, though some of it be heard twice."""
        place, digest = _position_and_digest(record)
        self.latest = max(self.latest, place)
        self.agrees &= place != (self.verdict.timeline, self.verdict.sequence) or digest == self.verdict.digest
        self.position_found, found = True, self.position_found or place == (self.lane.timeline, self.lane.sequence)
        return found

    def verdict_against_owner(self) -> LaneVerdict:
        timeline, sequence = self.latest
        same_timeline = timeline == self.verdict.timeline
        return replace(
            self.verdict,
            behind=sequence - self.verdict.sequence if same_timeline else sequence,
            equal=self.verdict.equal and self.agrees and same_timeline,
        )


def _compare_with_owner(source: KafkaLanes, store: ReplicaStore, verdicts: list[LaneVerdict]) -> list[LaneVerdict]:
    """Lane by lane as the owners have them; one that this file never saw is behind by all of it."""
    lanes = {lane.name: lane for lane in store.lanes()}
    ours = {verdict.lane: verdict for verdict in verdicts}
    bounds = source.bounds(sorted({topic for topic, _ in lanes} | set(CANONICAL)))
    owners: dict[LaneId, _OwnerLane] = {}
    for name in sorted(lanes.keys() | bounds.keys()):
        lane = lanes.get(name) or ReplicaLane(*name)
        owners[name] = _OwnerLane(lane, ours.get(lane.label) or LaneVerdict(lane.label, 1, 0, to_hex(0), True))
    ranges = {name: (owners[name].start_offset(start, end), end) for name, (start, end) in bounds.items()}
    for record in source.records(ranges):
        name = record.topic(), record.partition()
        if not owners[name].add(record):
            source.seek(name, bounds[name][0])
    return [each.verdict_against_owner() for each in owners.values()]


def _position_and_digest(record: Record) -> tuple[tuple[int, int], str]:
    """Timeline and sequence, and the digest after it; a record that is no event lies before them all."""
    headers = dict(record.headers() or ())
    try:
        return (int(headers["ce_timeline"]), int(headers["ce_sequence"])), headers["ce_statedigest"].decode()
    except (KeyError, ValueError, TypeError, AttributeError):
        return (0, 0), ""


def hash_of(aggregate: str, subject: str, value: str | bytes) -> int:
    """``H`` of a stored value: its text, or its bytes when it is no UTF-8."""
    raw = value.encode() if isinstance(value, str) else value
    return REMOVED if is_removal(raw) else state_hash(aggregate.encode(), subject.encode(), raw)
