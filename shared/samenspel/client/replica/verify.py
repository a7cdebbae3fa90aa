"""Verification of a replica: recomputes every lane from the stored bytes and compares with the owner's lane in Kafka.

Stored hashes and digests may be tampered with: ``H`` of each event and the digest after each event are recomputed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from samenspel.client.access.kafka_lanes import KafkaLanes, Record
from samenspel.client.access.profile import Profile
from samenspel.client.replica.apply import ReplicaLane
from samenspel.client.replica.foreign import ForeignRecordCount, ForeignReport
from samenspel.client.replica.past_state import AggregateEvent
from samenspel.client.replica.report import total_digest
from samenspel.client.replica.store import ReplicaStore
from samenspel.client.replica.verify_tables import TableFault, compare_tables
from samenspel.contracts.canonical import position_of
from samenspel.contracts.digest import MODULUS, REMOVED, state_hash, to_hex
from samenspel.contracts.lane_identity import is_other_lane
from samenspel.contracts.sequencing import is_removal
from samenspel.contracts.topics import CANONICAL, LaneId

FAULTS_MAX: Final = 100
_EVENTS: Final = """
select lane, sequence, id, aggregate, subject, hash, digest, value, number from event order by number
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """A difference between the file and the published events; ``event`` wrote the aggregate last."""

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
    """Result of one lane; ``digest`` is recomputed from the file.

    ``behind`` is the number of events missing in the replica, or None when Kafka was not read. Below 0 the replica is
    ahead: the owner lost events. When the owner is on a newer timeline, every event of the new timeline is missing.
    """

    lane: str
    timeline: int
    sequence: int
    digest: str
    equal: bool
    behind: int | None = None


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """``tables`` are the differences between the tables of the current state and the log.

    ``has_tables`` is False for a file without filled tables: of version 1, or before the end of the first sync.
    ``foreign`` has the records in Kafka that are no events, by range, as far as Kafka was read.
    """

    lanes: tuple[LaneVerdict, ...]
    faults: tuple[Fault, ...]
    tables: tuple[TableFault, ...] = ()
    has_tables: bool = True
    foreign: tuple[ForeignReport, ...] = ()

    @property
    def is_equal(self) -> bool:
        return not (self.faults or self.tables) and all(lane.equal and not lane.behind for lane in self.lanes)

    @property
    def total_digest(self) -> str:
        return total_digest(int(lane.digest, 16) for lane in self.lanes)


@dataclass(frozen=True, slots=True)
class _LastEvent:
    """The last event of an aggregate, with the published hash and the hash of the stored bytes.

    ``event`` is lane, sequence, id, aggregate and subject.
    """

    event: tuple[str, int, str, str, str]
    published: int
    actual: int
    number: int


@dataclass(slots=True)
class _Recomputation:
    """State per lane, recomputed from the stored events alone.

    ``digests`` follow from the stored bytes. ``published`` follows from the hash published with each event: one
    changed event then causes no faults at later events.
    """

    sequences: dict[str, int] = field(default_factory=dict)
    digests: dict[str, int] = field(default_factory=dict)
    published: dict[str, int] = field(default_factory=dict)
    last: dict[tuple[str, str], _LastEvent] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def add_fault(self, event: tuple[str, int, str, str, str], what: str) -> None:
        if len(self.faults) < FAULTS_MAX:
            self.faults.append(Fault(*event, what))


def verify(store: ReplicaStore, profile: Profile | None = None, organisation: str = "") -> VerifyReport:
    """Recompute the file; with a profile, also compare with the lanes in Kafka from the last applied event on.

    Raises EnvironmentUnavailable when Kafka does not answer.
    """
    foreign = ForeignRecordCount()
    with store.snapshot():
        state = _recompute(store)
        verdicts = [_check_lane_row(lane, state) for lane in store.lanes()]
        has_tables = store.has_tables
        tables = compare_tables(store, _last_events(state)) if has_tables else []
    if profile is not None:
        with KafkaLanes(profile.system().kafka, profile.credential(organisation)) as source:
            verdicts = _compare_with_owner(source, store, verdicts, foreign)
    return VerifyReport(tuple(verdicts), tuple(state.faults), tuple(tables), has_tables, foreign.reports())


def _last_events(state: _Recomputation) -> Iterator[AggregateEvent]:
    """The last event of each aggregate that is not removed."""
    return ((key[0], last.number) for key, last in state.last.items() if last.actual != REMOVED)


def _recompute(store: ReplicaStore) -> _Recomputation:
    state = _Recomputation()
    for lane, sequence, id, aggregate, subject, stored, digest, value, number in store.query(_EVENTS):
        last = _LastEvent(
            (lane, sequence, id, aggregate, subject),
            int.from_bytes(stored, "big"),
            hash_of(aggregate, subject, value),
            number,
        )
        if last.actual != last.published:
            state.add_fault(last.event, "the stored bytes differ from the published event")
        if sequence != state.sequences.get(lane, 0) + 1:
            state.add_fault(last.event, f"event {state.sequences.get(lane, 0) + 1} of the lane is missing")
        _advance(state, lane, last, digest)
        state.sequences[lane] = sequence
    return state


def _advance(state: _Recomputation, lane: str, last: _LastEvent, digest: str) -> None:
    """Update both digests of the lane with this event."""
    reference = last.event[3:]
    before = state.last.get(reference)
    published = state.published.get(lane, 0) - (before.published if before else REMOVED) + last.published
    actual = state.digests.get(lane, 0) - (before.actual if before else REMOVED) + last.actual
    state.published[lane], state.digests[lane] = published % MODULUS, actual % MODULUS
    state.last[reference] = last
    if to_hex(state.published[lane]) != digest:
        state.add_fault(last.event, "the digest after this event differs from the published digest")
        state.published[lane] = int(digest, 16)


def _check_lane_row(lane: ReplicaLane, state: _Recomputation) -> LaneVerdict:
    """Compare the row of the lane with the recomputed events."""
    sequence, digest = state.sequences.get(lane.label, 0), state.digests.get(lane.label, 0)
    has_faults = any(fault.lane == lane.label for fault in state.faults)
    equal = (sequence, digest) == (lane.sequence, lane.digest) and not has_faults
    return LaneVerdict(lane.label, lane.timeline, sequence, to_hex(digest), equal)


@dataclass(slots=True)
class _OwnerLane:
    """The lane of an owner in Kafka, read from the last applied event on.

    Collects the latest position, and whether the digest at the replica's position is equal. Every record counts: the
    last record may be a repeat of an older event or of an older timeline.
    """

    lane: ReplicaLane
    verdict: LaneVerdict
    latest: tuple[int, int] = (1, 0)
    agrees: bool = True
    start_checked: bool = False
    last_event: int = -1
    """Offset of the last record that is an event."""

    def start_offset(self, start: int, end: int) -> int:
        """Offset to read from: the last applied record when the log still has that offset, else the log start."""
        offset = self.lane.last_offset
        self.start_checked = not start <= offset < end
        return start if self.start_checked else offset

    def add(self, record: Record) -> bool:
        """Add a record. False when the first record is not the last applied event: read the whole lane then."""
        position, digest, event = _place_of(record)
        if event:
            self.last_event = record.offset()
        self.agrees &= not is_other_lane(self.lane.identity, position[1], event)
        self.latest = max(self.latest, position)
        self.agrees &= position != (self.verdict.timeline, self.verdict.sequence) or digest == self.verdict.digest
        found = self.start_checked or position == (self.lane.timeline, self.lane.sequence)
        self.start_checked = True
        return found

    def verdict_against_owner(self) -> LaneVerdict:
        timeline, sequence = self.latest
        same_timeline = timeline == self.verdict.timeline
        return replace(
            self.verdict,
            behind=sequence - self.verdict.sequence if same_timeline else sequence,
            equal=self.verdict.equal and self.agrees and same_timeline,
        )


def _compare_with_owner(
    source: KafkaLanes, store: ReplicaStore, verdicts: list[LaneVerdict], foreign: ForeignRecordCount
) -> list[LaneVerdict]:
    """Compare each lane with Kafka; a lane without events in the file is behind by all events.

    Records that are no events are added to ``foreign``.
    """
    lanes = {lane.name: lane for lane in store.lanes()}
    by_label = {verdict.lane: verdict for verdict in verdicts}
    bounds = source.bounds(sorted({topic for topic, _ in lanes} | set(CANONICAL)))
    owners: dict[LaneId, _OwnerLane] = {}
    for name in sorted(lanes.keys() | bounds.keys()):
        lane = lanes.get(name) or ReplicaLane(*name)
        owners[name] = _OwnerLane(lane, by_label.get(lane.label) or LaneVerdict(lane.label, 1, 0, to_hex(0), True))
    ranges = {name: (owners[name].start_offset(start, end), end) for name, (start, end) in bounds.items()}
    for record in source.records(ranges):
        name = record.topic(), record.partition()
        if not owners[name].add(record):
            source.seek(name, bounds[name][0])
        if owners[name].last_event != record.offset():
            foreign.add(name, record.offset(), owners[name].last_event)
    return [each.verdict_against_owner() for each in owners.values()]


def _place_of(record: Record) -> tuple[tuple[int, int], str, str]:
    """Timeline with sequence, digest, and id; (0, 0) and empty texts for a record that is not an event."""
    headers = record.headers() or []
    position, fields = position_of(headers), dict(headers)
    digest, event = fields.get("ce_statedigest"), fields.get("ce_id")
    if not (position and digest and event):
        return (0, 0), "", ""
    return position, digest.decode(errors="replace"), event.decode(errors="replace")


def hash_of(aggregate: str, subject: str, value: str | bytes) -> int:
    """``H`` of a stored value: a text, or bytes when the value is not UTF-8."""
    raw = value.encode() if isinstance(value, str) else value
    return REMOVED if is_removal(raw) else state_hash(aggregate.encode(), subject.encode(), raw)
