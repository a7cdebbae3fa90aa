"""The law of lanes applied to a replica: checks records and collects rows until the store commits."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from samenspel.client.replica.headers import Header, HeaderShape, HeaderShapes
from samenspel.client.replica.refusals import OtherSystem
from samenspel.contracts.digest import REMOVED, to_hex
from samenspel.contracts.integers import read_sequence, read_timeline
from samenspel.contracts.lane_identity import is_other_lane
from samenspel.contracts.sequencing import Position, SequenceVerdict, step
from samenspel.contracts.topics import LaneId

OIN_DIGITS: Final = 20
ID: Final = 3
"""Place of the event's id in a row of `_row_of`."""
DIGEST: Final = 13
START: Final = Position()
Known = tuple[str, str]
"""Id of an event, and the digest after the event."""


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first event with another digest in this replica than the published digest."""

    lane: str
    sequence: int
    event: str
    aggregate: str
    subject: str

    def __str__(self) -> str:
        return (
            f"{self.lane} diverged at sequence {self.sequence}: after event {self.event} on {self.aggregate} "
            f"{self.subject} the digest of this replica differs from the published digest"
        )


@dataclass(slots=True)
class ReplicaLane:
    """Position of the replica on one lane; ``stored`` is the timeline and sequence in the file."""

    topic: str
    partition: int
    position: Position = START
    stored: tuple[int, int] = (1, 0)
    highest_unapplied: int = 0
    """Highest sequence received behind a gap, so not applied; 0 without a gap."""
    divergence: Divergence | None = None
    set_aside: str = ""
    """File with the events of the previous timeline, after the owner started a new timeline."""
    identity: str = ""
    """Id of the event at sequence 1 in the file, of any timeline; empty for a lane without events."""
    unmet: int = 0
    """Sequence of the last applied event while the source has not shown that event; 0 once it has."""
    jump: tuple[int, int] = (0, 0)
    """Timeline of an event that rises by more than one, and the sequence of the replica at that event."""
    label: str = field(init=False)

    def __post_init__(self) -> None:
        self.label = f"{self.topic}/{self.partition}"

    @property
    def name(self) -> LaneId:
        return self.topic, self.partition

    @property
    def timeline(self) -> int:
        return self.position.timeline

    @property
    def sequence(self) -> int:
        return self.position.sequence

    @property
    def digest(self) -> int:
        return self.position.digest

    @property
    def last_offset(self) -> int:
        return self.position.last_offset


class Hashes(dict[bytes, int]):
    """``H`` of aggregates by `key_of`; a missing hash is looked up with ``find``, or is the hash of no state."""

    def __init__(self, known: Mapping[bytes, int] | None = None, find: Callable[[bytes], int] | None = None) -> None:
        super().__init__(known or {})
        self._find = find

    def __missing__(self, key: bytes) -> int:
        return self._find(key) if self._find else REMOVED


def key_of(aggregate: bytes, subject: bytes) -> bytes:
    return aggregate + b"\n" + subject


def _not_stored(lane: ReplicaLane, sequence: int) -> Known | None:
    """A batch without a file knows its own rows only."""
    raise KeyError(sequence)


class ReplicaBatch:
    """Applies records; ``rows`` are the events applied since the last commit, as rows of table ``event``."""

    def __init__(
        self,
        lanes: Mapping[LaneId, ReplicaLane],
        hashes: Hashes,
        find: Callable[[ReplicaLane, int], Known | None] = _not_stored,
    ) -> None:
        self.lanes = dict(lanes)
        self._find = find
        self._pending: dict[tuple[str, int], Known] = {}
        self._indexed = 0
        self.hashes = hashes
        self.rows: list[tuple[Any, ...]] = []
        self.unreadable = 0
        self._shapes = HeaderShapes()
        self._shape: HeaderShape | None = None

    def apply(self, lane: ReplicaLane, offset: int, headers: Sequence[Header], value: bytes) -> SequenceVerdict:
        """Apply one record if the sequencing rule allows. A diverged lane applies no more records.

        Raises KeyError, ValueError or TypeError when the record is not a canonical event.
        """
        names, values = zip(*headers, strict=False)
        shape = self._shape
        if shape is None or names != shape.names:
            shape = self._shape = self._shapes[names]
        timeline, sequence, aggregate, subject, digest = shape.sequencing_fields(values)
        number, key = read_sequence(sequence), key_of(aggregate, subject)
        event = read_timeline(timeline), number, offset, aggregate, subject, value
        verdict, after, new_hash = step(lane.position, event, self.hashes[key])
        if verdict is not SequenceVerdict.APPLY:
            return self._not_applied(lane, verdict, event[:2], shape.columns(values), digest.decode())
        if lane.divergence is not None:
            return SequenceVerdict.SKIP
        row = _row_of(lane.label, after, shape.columns(values), new_hash, digest, shape.lines(values), value)
        if after.digest != int(digest, 16):
            lane.divergence = Divergence(lane.label, number, row[3], row[5], row[6])
            return SequenceVerdict.SKIP
        lane.position = after
        self.hashes[key] = new_hash
        self.rows.append(row)
        return SequenceVerdict.APPLY

    def _not_applied(
        self,
        lane: ReplicaLane,
        verdict: SequenceVerdict,
        place: tuple[int, int],
        columns: Sequence[bytes],
        digest: str,
    ) -> SequenceVerdict:
        """Judge a repeat by its content, and a new timeline by its first event. Raises OtherSystem."""
        timeline, sequence = place
        if verdict is SequenceVerdict.SKIP and timeline == lane.timeline:
            self._compare(lane, sequence, columns, digest)
        elif verdict is SequenceVerdict.NEW_TIMELINE and sequence == 1:
            if is_other_lane(lane.identity, sequence, columns[0].decode()):
                raise OtherSystem(lane.label)
        elif verdict is SequenceVerdict.TIMELINE_JUMP:
            lane.jump = timeline, lane.sequence
            return SequenceVerdict.SKIP
        elif verdict is not SequenceVerdict.SKIP:
            # Behind a gap; on a new timeline, which begins with event 1, every event is behind the gap.
            after = sequence if timeline == lane.timeline else lane.sequence + sequence
            lane.highest_unapplied = max(lane.highest_unapplied, after)
            return SequenceVerdict.GAP
        return verdict

    def _compare(self, lane: ReplicaLane, sequence: int, columns: Sequence[bytes], digest: str) -> None:
        """A repeat has the id and digest of the event at its place; another event is a divergence."""
        id, _, aggregate, subject = map(bytes.decode, columns[:4])
        known = self._known(lane, sequence)
        if known is not None and known != (id, digest):
            if is_other_lane(known[0], sequence, id):
                raise OtherSystem(lane.label)
            lane.divergence = lane.divergence or Divergence(lane.label, sequence, id, aggregate, subject)
        elif sequence == lane.unmet:
            lane.unmet = 0

    def _known(self, lane: ReplicaLane, sequence: int) -> Known | None:
        """Id and digest of the applied event at this place. Raises KeyError when the batch cannot tell."""
        for row in self.rows[self._indexed :]:
            self._pending[row[0], row[2]] = row[ID], row[DIGEST]
        self._indexed = len(self.rows)
        return self._pending.get((lane.label, sequence)) or self._find(lane, sequence)

    def mark_committed(self) -> None:
        """Empty the batch after the store committed the rows."""
        self.rows = []
        self._pending, self._indexed = {}, 0
        for lane in self.lanes.values():
            lane.stored = lane.timeline, lane.sequence


def _row_of(
    lane: str, after: Position, columns: Sequence[bytes], new: int, digest: bytes, lines: bytes, value: bytes
) -> tuple[Any, ...]:
    """A row of table ``event`` without the column ``number``."""
    return (
        lane,
        after.timeline,
        after.sequence,
        *map(bytes.decode, columns[:-1]),
        columns[-1][-OIN_DIGITS:].decode(),
        new.to_bytes(32, "big"),
        digest.decode(),
        lines.decode(),
        _text_or_bytes(value),
    )


def _text_or_bytes(value: bytes) -> str | bytes:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


def hex_of(lane: ReplicaLane) -> str:
    return to_hex(lane.digest)
