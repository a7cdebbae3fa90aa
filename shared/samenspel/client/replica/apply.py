"""The law of lanes, applied to a copy: what each record changes, gathered until the store commits it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from samenspel.client.replica.headers import Header, HeaderShape, HeaderShapes
from samenspel.contracts.digest import REMOVED, to_hex
from samenspel.contracts.sequencing import Position, SequenceVerdict, step

LaneId = tuple[str, int]
"""Topic and partition."""
OIN_DIGITS: Final = 20
START: Final = Position()


@dataclass(frozen=True, slots=True)
class Divergence:
    """The event from which this copy no longer equals its owner's lane."""

    lane: str
    sequence: int
    event: str
    aggregate: str
    subject: str

    def __str__(self) -> str:
        return (
            f"{self.lane} diverged at sequence {self.sequence}: after event {self.event} on {self.aggregate} "
            f"{self.subject} this copy has another digest than its owner"
        )


@dataclass(slots=True)
class ReplicaLane:
    """Position of the replica on one lane; ``stored`` is the timeline and sequence in the replica's file."""

    topic: str
    partition: int
    position: Position = START
    stored: tuple[int, int] = (1, 0)
    ahead: int = 0
    """The highest sequence met that could not be applied, because one before it is missing."""
    divergence: Divergence | None = None
    set_aside: str = ""
    """The file that keeps what this copy had of the lane before its owner started it anew."""
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
    """``H`` of aggregates, by `key_of`; those that are not here are asked of the file, if there is one to ask."""

    def __init__(self, known: Mapping[bytes, int] | None = None, find: Callable[[bytes], int] | None = None) -> None:
        super().__init__(known or {})
        self._find = find

    def __missing__(self, key: bytes) -> int:
        return self._find(key) if self._find else REMOVED


def key_of(aggregate: bytes, subject: bytes) -> bytes:
    return aggregate + b"\n" + subject


class ReplicaBatch:
    """Takes records; ``rows`` are the events applied since the last commit, as rows of table ``event``."""

    def __init__(self, lanes: Mapping[LaneId, ReplicaLane], hashes: Hashes) -> None:
        self.lanes = dict(lanes)
        self.hashes = hashes
        self.rows: list[tuple[Any, ...]] = []
        self.unreadable = 0
        self._shapes = HeaderShapes()
        self._shape: HeaderShape | None = None

    def apply(self, lane: ReplicaLane, offset: int, headers: Sequence[Header], value: bytes) -> SequenceVerdict:
        """Apply one record if the law says so. A lane that diverged takes nothing more."""
        names, values = zip(*headers, strict=False)
        shape = self._shape
        if shape is None or names != shape.names:
            shape = self._shape = self._shapes[names]
        timeline, sequence, aggregate, subject, digest = shape.law(values)
        number, key = int(sequence), key_of(aggregate, subject)
        event = int(timeline), number, offset, aggregate, subject, value
        verdict, after, new_hash = step(lane.position, event, self.hashes[key])
        if verdict is not SequenceVerdict.APPLY:
            lane.ahead = max(lane.ahead, number) if verdict is SequenceVerdict.GAP else lane.ahead
            return verdict
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

    def committed(self) -> None:
        """The store has everything; begin anew."""
        self.rows = []
        for lane in self.lanes.values():
            lane.stored = lane.timeline, lane.sequence


def _row_of(
    lane: str, after: Position, columns: Sequence[bytes], new: int, digest: bytes, lines: bytes, value: bytes
) -> tuple[Any, ...]:
    """A row of table ``event``, without its number."""
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
