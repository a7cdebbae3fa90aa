"""What there is: the owner's database, its instances, Kafka, the copies; and how much may still go wrong.

One lane, for lanes share nothing but the moment of a commit. A state is nothing but tuples: compared and hashed fast.
"""

from enum import StrEnum
from typing import Literal, NamedTuple, TypeVar

T = TypeVar("T")


class Event(NamedTuple):
    """A canonical event. ``life`` is the incarnation that decided it: decided anew, it is another event."""

    timeline: int
    sequence: int
    cause: str
    life: int
    seen: int
    """The sequence at which the state was read that decided it."""

    def __str__(self) -> str:
        timeline = f"{self.timeline}:" if self.timeline > 1 else ""
        return f"{timeline}{self.sequence}" + "'" * (self.life - 1) + f"({self.cause})"


Events = tuple[Event, ...]


class Published(NamedTuple):
    """How far the lane is known to be published; ``cuts`` counts how often it was found to hold less than before."""

    timeline: int = 1
    sequence: int = 0
    next_offset: int = 0
    cuts: int = 0


class Door(NamedTuple):
    """A place in one organisation's ingress: the next offset, and when the record before it was appended."""

    next_offset: int = 0
    appended_at: int = 0


class Owner(NamedTuple):
    """The owner's database: what one commit changes, and one restore takes back."""

    incarnation: int = 1
    compared: int = 0
    timeline: int = 1
    journal: Events = ()
    published: Published = Published()
    answered: tuple[str, ...] = ()
    doors: tuple[Door, ...] = ()

    @property
    def head(self) -> int:
        """The sequence of the lane."""
        last = self.journal[-1] if self.journal else None
        return last.sequence if last is not None and last.timeline == self.timeline else 0

    @property
    def is_open(self) -> bool:
        return self.compared == self.incarnation


class Record(NamedTuple):
    """A submission in an ingress; what it is called there, and when Kafka appended it."""

    cause: str
    appended_at: int


class Batch(NamedTuple):
    """Ingress records that an instance has read and not yet decided."""

    door: int
    start: Door
    records: tuple[Record, ...]

    @property
    def end(self) -> Door:
        return Door(self.start.next_offset + len(self.records), self.records[-1].appended_at)


class Transaction(NamedTuple):
    """An open transaction at the desk, by which instance, and over which door (-1: HTTP) it came."""

    instance: int
    events: Events
    answered: tuple[str, ...]
    batch: Batch | None = None
    seen: int = 0
    locked: bool = True
    """Only a broken desk reads before it locks."""


Stage = Literal["idle", "standing", "kafka-read", "matched", "ahead", "claimed", "sent", "acknowledged"]


class Relay(NamedTuple):
    """What one instance's relay has in memory."""

    stage: Stage = "idle"
    compared: bool = False
    was: Published = Published()
    becomes: Published = Published()
    batch: Events = ()
    life: int = 0
    found: Events = ()
    """What the comparison read in Kafka."""
    head: int = -1
    """Of the journal, when that was read before Kafka; only when that rule is broken."""


class Instance(NamedTuple):
    """A process of the owner: its relay, and what it has read of each ingress. ``reads`` is None until opened."""

    relay: Relay = Relay()
    reads: tuple[Door | None, ...] = ()
    batches: tuple[Batch, ...] = ()


class Place(NamedTuple):
    """Where a copy stands: the last applied event, and its offset."""

    timeline: int = 1
    sequence: int = 0
    last_offset: int = -1


class Reader(NamedTuple):
    """What one reader has in memory; ``holds`` only when a rule of its transaction is broken."""

    offset: int = 0
    in_hole: bool = False
    holds: Place | None = None


class Copy(NamedTuple):
    """A replica's, or another service's, database; and its readers, of which all but one are zombies."""

    position: Place = Place()
    applied: Events = ()
    offsets: tuple[int, ...] = ()
    readers: tuple[Reader, ...] = (Reader(),)


class State(NamedTuple):
    owner: Owner = Owner()
    backup: Owner | None = None
    desk: tuple[Transaction, ...] = ()
    instances: tuple[Instance, ...] = (Instance(),)
    wire: tuple[Events, ...] = ()
    """Requests whose relay is dead or has given up: they may still land."""
    log: Events = ()
    copies: tuple[Copy, ...] = (Copy(),)
    ingress: tuple[tuple[Record, ...], ...] = ()
    sent: tuple[int, ...] = ()
    """How many records each organisation has sent into its ingress, ever."""
    heard: tuple[str, ...] = ()
    """Submissions over HTTP whose answer has arrived."""
    faults: int = 0
    """How many may still happen."""


class Fault(StrEnum):
    """What may go wrong; each time costs one of the faults that are left."""

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
    COPY = "a copy's database is restored from an older backup"


class Setting(NamedTuple):
    """How much there is, what may go wrong and how often, and which rule of the law is left out."""

    http: tuple[str, ...] = ()
    """Submissions over HTTP, as ``organisation/id``."""
    ingress: tuple[tuple[str, ...], ...] = ()
    """Per organisation, what it sends into its ingress, in this order."""
    instances: int = 2
    readers: tuple[int, ...] = (1,)
    """Per copy, how many read into it."""
    faults: int = 1
    may: frozenset[Fault] = frozenset()
    broken: "StrEnum | None" = None
    batch_max: int = 2
    """How many ingress records are decided together at most."""
    states_max: int | None = None
    """How many states are tried, nearest first; None: all there are."""

    @property
    def start(self) -> State:
        doors = (Door(),) * len(self.ingress)
        return State(
            owner=Owner(compared=0 if self.readers else 1, doors=doors),
            instances=(Instance(reads=(None,) * len(doors)),) * self.instances,
            copies=tuple(Copy(readers=(Reader(),) * number) for number in self.readers),
            ingress=((),) * len(doors),
            sent=(0,) * len(doors),
            faults=self.faults,
        )


Label = tuple[object, ...]
"""What happens, in words: a format and what belongs in it; put together only when somebody reads it."""
Step = tuple[Label, State]


def put(items: tuple[T, ...], index: int, item: T) -> tuple[T, ...]:
    return (*items[:index], item, *items[index + 1 :])
