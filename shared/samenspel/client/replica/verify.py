"""Verifying a replica: every lane made anew from the stored bytes, and compared with what its owner says.

What is on disk is not believed: ``H`` is taken again of each stored event, and the digest after each is made again.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Final

from samenspel.client.kafka_lanes import KafkaLanes, Record
from samenspel.client.profile import Profile
from samenspel.client.replica.copy import Lane
from samenspel.client.replica.outcome import total_digest
from samenspel.client.replica.store import Store
from samenspel.contracts.digest import MODULUS, REMOVED, state_hash, to_hex
from samenspel.contracts.topics import CANONICAL
from samenspel.messaging.law import is_removal

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
class _Last:
    """The last event of an aggregate: its place, its hash as published and as it is."""

    place: tuple[str, int, str, str, str]
    published: int
    actual: int


@dataclass(slots=True)
class _Recount:
    """What follows from the stored events alone.

    ``digests`` are of the bytes as they are now. ``published`` goes on from the hash that was published with each
    event, so that one changed event is not held against all that follow.
    """

    sequences: dict[str, int] = field(default_factory=dict)
    digests: dict[str, int] = field(default_factory=dict)
    published: dict[str, int] = field(default_factory=dict)
    last: dict[tuple[str, str], _Last] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def blame(self, place: tuple[str, int, str, str, str], what: str) -> None:
        if len(self.faults) < FAULTS_MAX:
            self.faults.append(Fault(*place, what))


def verify(store: Store, profile: Profile | None = None, organisation: str = "") -> VerifyReport:
    """Recompute the file; with a profile also compare with what Kafka holds of the lanes from our place on.

    Raises SurroundingsMissing when Kafka is asked and does not answer.
    """
    recount = _recount(store)
    verdicts = [_verdict(lane, recount) for lane in store.lanes()]
    if profile is not None:
        with KafkaLanes(profile.system().kafka, profile.credential(organisation)) as source:
            verdicts = list(_compare_with_owner(source, store, verdicts))
    return VerifyReport(tuple(verdicts), tuple(recount.faults))


def _recount(store: Store) -> _Recount:
    recount = _Recount()
    for lane, sequence, id, aggregate, subject, stored, digest, value in store.query(_EVENTS):
        last = _Last(
            (lane, sequence, id, aggregate, subject),
            int.from_bytes(stored, "big"),
            hash_of(aggregate, subject, value),
        )
        if last.actual != last.published:
            recount.blame(last.place, "the stored event is not what was published: its bytes were changed")
        if sequence != recount.sequences.get(lane, 0) + 1:
            recount.blame(last.place, f"event {recount.sequences.get(lane, 0) + 1} of the lane is missing before it")
        _advance(recount, lane, last, digest)
        recount.sequences[lane] = sequence
    return recount


def _advance(recount: _Recount, lane: str, last: _Last, digest: str) -> None:
    """The lane's two sums after this event."""
    reference = last.place[3:]
    before = recount.last.get(reference)
    published = recount.published.get(lane, 0) - (before.published if before else REMOVED) + last.published
    actual = recount.digests.get(lane, 0) - (before.actual if before else REMOVED) + last.actual
    recount.published[lane], recount.digests[lane] = published % MODULUS, actual % MODULUS
    recount.last[reference] = last
    if to_hex(recount.published[lane]) != digest:
        recount.blame(last.place, "the digest after it is not its owner's")
        recount.published[lane] = int(digest, 16)


def _verdict(lane: Lane, recount: _Recount) -> LaneVerdict:
    """Whether the lane's own row says what its events say."""
    sequence, digest = recount.sequences.get(lane.label, 0), recount.digests.get(lane.label, 0)
    blamed = any(fault.lane == lane.label for fault in recount.faults)
    equal = (sequence, digest) == (lane.sequence, lane.digest) and not blamed
    return LaneVerdict(lane.label, lane.timeline, sequence, to_hex(digest), equal)


def _compare_with_owner(source: KafkaLanes, store: Store, verdicts: list[LaneVerdict]) -> Iterator[LaneVerdict]:
    """Lane by lane as the owners have them; one that this file never saw is behind by all of it."""
    lanes = {lane.name: lane for lane in store.lanes()}
    ours = {verdict.lane: verdict for verdict in verdicts}
    bounds = source.bounds(sorted({topic for topic, _ in lanes} | set(CANONICAL)))
    for name in sorted(lanes.keys() | bounds.keys()):
        lane = lanes.get(name) or Lane(*name)
        verdict = ours.get(lane.label) or LaneVerdict(lane.label, 1, 0, to_hex(0), True)
        yield _compared(source, lane, verdict, *bounds.get(name, (0, 0)))


def _compared(source: KafkaLanes, lane: Lane, verdict: LaneVerdict, start: int, end: int) -> LaneVerdict:
    """Behind by how many, and whether the event that we stand at has our digest wherever it lies on the owner's lane.

    Read up to the end: what lies last may be a repeat of an older event, or one of an older timeline.
    """
    ours, said = (verdict.timeline, verdict.sequence), verdict.digest.encode()
    reached, agrees = (1, 0), True
    for record in _from_our_place(source, lane, start, end):
        place, digest = _said_at(record)
        reached = max(reached, place)
        agrees &= place != ours or digest == said
    timeline, sequence = reached
    same_timeline = timeline == verdict.timeline
    return replace(
        verdict,
        behind=sequence - verdict.sequence if same_timeline else sequence,
        equal=verdict.equal and agrees and same_timeline,
    )


def _from_our_place(source: KafkaLanes, lane: Lane, start: int, end: int) -> Iterator[Record]:
    """The owner's records from the one that we stand at; all of them when another lies there."""
    if start <= lane.last_offset < end:
        records = source.records(lane.name, lane.last_offset, end)
        first = next(records, None)
        if first is not None and _said_at(first)[0] == (lane.timeline, lane.sequence):
            return chain([first], records)
    return source.records(lane.name, start, end)


def _said_at(record: Record) -> tuple[tuple[int, int], bytes]:
    """Timeline and sequence, and the digest after it; those of a record that is no event are before any."""
    headers = dict(record.headers() or ())
    try:
        return (int(headers["ce_timeline"]), int(headers["ce_sequence"])), headers["ce_statedigest"]
    except (KeyError, ValueError, TypeError):
        return (0, 0), b""


def hash_of(aggregate: str, subject: str, value: str | bytes) -> int:
    """``H`` of a stored value: its text, or its bytes when it is no UTF-8."""
    raw = value.encode() if isinstance(value, str) else value
    return REMOVED if is_removal(raw) else state_hash(aggregate.encode(), subject.encode(), raw)
