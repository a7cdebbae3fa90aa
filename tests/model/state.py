"""The state: the owner's database, instances, Kafka, replicas; and the remaining fault budget.

A single lane, as lanes share only the moment of a commit. A state consists of tuples, for fast comparison and
hashing.
"""

from enum import StrEnum
from typing import Literal, NamedTuple, TypeVar

T = TypeVar("T")


class Event(NamedTuple):
    """A canonical event. ``life`` is the deciding incarnation: a second decision gives another event."""

    timeline: int
    sequence: int
    cause: str
    life: int
    seen: int
    """The sequence of the state read by the decision."""

    def __str__(self) -> str:
        timeline = f"{self.timeline}:" if self.timeline > 1 else ""
        return f"{timeline}{self.sequence}" + "'" * (self.life - 1) + f"({self.cause})"


Events = tuple[Event, ...]


class Published(NamedTuple):
    """The published position of the lane; ``cuts`` counts detected truncations."""

    timeline: int = 1
    sequence: int = 0
    next_offset: int = 0
    cuts: int = 0


class IngressOffset(NamedTuple):
    """An ingress offset of an organisation: the next offset, and the append time of the previous record."""

    next_offset: int = 0
    appended_at: int = 0


class Owner(NamedTuple):
    """The owner's database: changed by a commit, taken back by a restore."""

    incarnation: int = 1
    compared: int = 0
    timeline: int = 1
    journal: Events = ()
    published: Published = Published()
    answered: tuple[str, ...] = ()
    ingress_offsets: tuple[IngressOffset, ...] = ()
    removed: Events = ()
    """Receipts that the retention removed from the journal, of all timelines."""

    @property
    def head(self) -> int:
        """The sequence of the lane. The removal of receipts does not change the sequence."""
        return max(self.removed_up_to, self.head_in_journal)

    @property
    def head_in_journal(self) -> int:
        last = self.journal[-1] if self.journal else None
        return last.sequence if last is not None and last.timeline == self.timeline else 0

    @property
    def removed_up_to(self) -> int:
        return max((event.sequence for event in self.removed), default=0)

    @property
    def decided(self) -> Events:
        """All events of the database's lifetime, removed or not."""
        return (*self.removed, *self.journal)

    @property
    def is_open(self) -> bool:
        return self.compared == self.incarnation


class Record(NamedTuple):
    """A submission in an ingress, with the name and Kafka's append time."""

    cause: str
    appended_at: int


class Batch(NamedTuple):
    """Ingress records read by an instance and not yet decided."""

    ingress: int
    start: IngressOffset
    records: tuple[Record, ...]

    @property
    def end(self) -> IngressOffset:
        return IngressOffset(self.start.next_offset + len(self.records), self.records[-1].appended_at)


class Transaction(NamedTuple):
    """An open decision transaction, by instance and entry point (-1: HTTP)."""

    instance: int
    events: Events
    answered: tuple[str, ...]
    batch: Batch | None = None
    seen: int = 0
    locked: bool = True
    """Only a broken rule reads before locking."""


Stage = Literal["idle", "standing", "kafka-read", "matched", "ahead", "claimed", "sent", "acknowledged"]


class Relay(NamedTuple):
    """The memory of an instance's relay."""

    stage: Stage = "idle"
    compared: bool = False
    was: Published = Published()
    becomes: Published = Published()
    batch: Events = ()
    life: int = 0
    found: Events = ()
    """The reconciliation's reading of Kafka."""
    head: int = -1
    """The head of the journal, if read before Kafka; only with this rule broken."""
    removed: int = 0
    """The sequence of the last removed receipt, as read before Kafka."""


class Instance(NamedTuple):
    """A process of the owner: the relay, and the position in each ingress. ``reads`` is None until resolved."""

    relay: Relay = Relay()
    reads: tuple[IngressOffset | None, ...] = ()
    batches: tuple[Batch, ...] = ()


class Place(NamedTuple):
    """The position of a replica: the last applied event, and the offset."""

    timeline: int = 1
    sequence: int = 0
    last_offset: int = -1


class Reader(NamedTuple):
    """The memory of a reader; ``holds`` only with a broken transaction rule."""

    offset: int = 0
    in_gap: bool = False
    holds: Place | None = None


class Replica(NamedTuple):
    """The database of a replica or another service; and the readers, all but the first of them zombies."""

    position: Place = Place()
    applied: Events = ()
    offsets: tuple[int, ...] = ()
    readers: tuple[Reader, ...] = (Reader(),)


class State(NamedTuple):
    owner: Owner = Owner()
    backup: Owner | None = None
    transactions: tuple[Transaction, ...] = ()
    instances: tuple[Instance, ...] = (Instance(),)
    wire: tuple[Events, ...] = ()
    """Requests of a dead or impatient relay, possibly still arriving."""
    log: Events = ()
    expired: int = 0
    """The first offset of the log: Kafka has deleted the records before. ``log`` still names them."""
    replicas: tuple[Replica, ...] = (Replica(),)
    ingress: tuple[tuple[Record, ...], ...] = ()
    sent: tuple[int, ...] = ()
    """Number of records sent so far by each organisation into the ingress."""
    heard: tuple[str, ...] = ()
    """Submissions over HTTP with a received answer."""
    faults: int = 0
    """How many may still happen."""


class Fault(StrEnum):
    """A possible fault; each occurrence costs a unit of the fault budget."""

    INSTANCE = "an instance dies at any step; what it has sent may still land, or not"
    READER = "a reader dies at any step, and another reads on"
    MISSED = "a reader misses a record"
    REFUSED = "Kafka refuses a batch as too large"
    ANSWER = "the answer to a commit over HTTP is lost"
    RESTART = "the owner's PostgreSQL is killed; progress that was made durable lazily may be gone"
    LOG = "Kafka loses the end of the lane, or the topic is made anew"
    INGRESS = "Kafka loses the end of an ingress, or the topic is made anew"
    REPUBLISH = "the operator lowers published"
    RESTORE = "the owner's database is restored from an older backup"
    RENEW = "the operator starts a new timeline"
    RETENTION = "the service removes the oldest published receipt from its journal"
    EXPIRY = "Kafka deletes the oldest published receipt"
    REPLICA = "a replica's database is restored from an older backup"


class Setting(NamedTuple):
    """The size of the scenario, the possible faults with their number, and the rule left out."""

    http: tuple[str, ...] = ()
    """Submissions over HTTP, as ``organisation/id``."""
    ingress: tuple[tuple[str, ...], ...] = ()
    """Per organisation, the submissions into the ingress, in order."""
    instances: int = 2
    readers: tuple[int, ...] = (1,)
    """Per replica, the number of readers."""
    faults: int = 1
    may: frozenset[Fault] = frozenset()
    broken: "StrEnum | None" = None
    batch_max: int = 2
    """How many ingress records are decided together at most."""
    receipts: bool = False
    """Whether the lane is one of receipts: journal and Kafka lose old events, and no replica follows."""
    states_max: int | None = None
    """How many states are tried, nearest first; None: all there are."""

    @property
    def publishes(self) -> bool:
        return bool(self.readers) or self.receipts

    @property
    def start(self) -> State:
        offsets = (IngressOffset(),) * len(self.ingress)
        return State(
            owner=Owner(compared=0 if self.publishes else 1, ingress_offsets=offsets),
            instances=(Instance(reads=(None,) * len(offsets)),) * self.instances,
            replicas=tuple(Replica(readers=(Reader(),) * number) for number in self.readers),
            ingress=((),) * len(offsets),
            sent=(0,) * len(offsets),
            faults=self.faults,
        )


Label = tuple[object, ...]
"""A step in words: a format and the arguments; formatted only for display."""
Step = tuple[Label, State]


def put(items: tuple[T, ...], index: int, item: T) -> tuple[T, ...]:
    return (*items[:index], item, *items[index + 1 :])
