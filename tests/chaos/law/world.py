"""What there is: lanes with their relays and readers, open transactions, and how much may still go wrong.

An event is its number. A lane keeps its first timeline.
"""

from enum import StrEnum
from math import inf
from typing import Final, Literal, NamedTuple, TypeVar

T = TypeVar("T")
Events = tuple[int, ...]
Stage = Literal["idle", "standing", "kafka-read", "ahead", "claimed", "sent", "acknowledged"]
TIMELINE: Final = 1


class Broken(StrEnum):
    """One rule left out; the check must be able to tell."""

    LANE_LOCK = "the number is drawn outside the lane lock"
    COMMIT_FIRST = "the relay sends before the commit"
    ONE_TRANSACTION = "the position moves in a second transaction"
    LOCKED_POSITION = "the position is not read under its lock"
    NO_GAPS = "a reader accepts gaps"
    NO_EQUALS = "a reader accepts an equal number"
    ONE_REQUEST = "a batch goes out as one request per record"
    PREFIX = "relays divide the journal between them"
    ACKNOWLEDGED = "published moves before the acknowledgement"
    KAFKA_FIRST = "the comparison reads the journal first"


class Published(NamedTuple):
    """How far a lane is known to be published."""

    sequence: int = 0
    next_offset: int = 0


class Place(NamedTuple):
    """Where the copy stands: the last applied event, and its offset."""

    sequence: int = 0
    last_offset: int = -1


class Relay(NamedTuple):
    """What one relay has in memory of one lane."""

    stage: Stage = "idle"
    compared: bool = False
    was: Published = Published()
    becomes: Published = Published()
    batch: Events = ()
    highest: int = 0
    """In Kafka, when the comparison read it."""
    head: int | None = None
    """Of the journal, when that was read before Kafka; only when that rule is broken."""


class Reader(NamedTuple):
    """What one reader has in memory of one lane; ``holds`` only when a rule of its transaction is broken."""

    offset: int = 0
    in_hole: bool = False
    holds: Place | None = None


class Lane(NamedTuple):
    """A lane everywhere: the owner's database, two relays, the wire, Kafka, and the copy with its two readers."""

    journal: Events = ()
    published: Published = Published()
    relays: tuple[Relay, ...] = (Relay(), Relay())
    strays: tuple[Events, ...] = ()
    """Requests on the wire whose relay is dead or has given up."""
    log: Events = ()
    position: Place = Place()
    applied: Events = ()
    readers: tuple[Reader, ...] = (Reader(), Reader())

    @property
    def head(self) -> int:
        return self.journal[-1] if self.journal else 0


Transaction = tuple[tuple[int, int], ...]
"""An open transaction: which lane gets which number."""


class State(NamedTuple):
    lanes: tuple[Lane, ...]
    open: tuple[Transaction, ...]
    faults: int
    """How many may still happen."""


class Setting(NamedTuple):
    """How much happens: events per lane, the lanes that a transaction may write, faults, and the broken rule."""

    events: Events
    transactions: tuple[Events, ...]
    faults: int
    broken: Broken | None = None
    tried_max: float = inf
    """How many states are tried, nearest first."""

    @property
    def start(self) -> State:
        return State((Lane(),) * len(self.events), (), self.faults)


Step = tuple[str, State]
LaneStep = tuple[str, Lane]


def put(items: tuple[T, ...], index: int, item: T) -> tuple[T, ...]:
    return (*items[:index], item, *items[index + 1 :])
