"""A hand-made log: records in the form of an owner, and a source with Kafka's behaviour."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

import orjson
from samenspel.client.replica import ReplicaStore
from samenspel.client.replica.kafka import KafkaSync, prepare_from_kafka
from samenspel.contracts.canonical import to_headers
from samenspel.contracts.digest import REMOVED, replaced, state_hash, to_hex
from samenspel.contracts.sequencing import is_removal

TOPIC = "samenspel.initiatives"
LaneName = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Record:
    """The interface of confluent-kafka's Message."""

    place: LaneName
    at: int
    named: list[tuple[str, bytes]]
    data: bytes

    def topic(self) -> str:
        return self.place[0]

    def partition(self) -> int:
        return self.place[1]

    def offset(self) -> int:
        return self.at

    def headers(self) -> list[tuple[str, bytes]]:
        return self.named

    def value(self) -> bytes:
        return self.data


@dataclass(slots=True)
class Owner:
    """Publishes on a lane by the law; ``log`` is the content of Kafka."""

    lane: int = 0
    timeline: int = 1
    sequence: int = 0
    digest: int = 0
    hashes: dict[tuple[str, str], int] = field(default_factory=dict)
    log: list[Record] = field(default_factory=list)
    identity: str = field(default_factory=lambda: str(uuid4()))
    """Id of the event at sequence 1, on every timeline."""

    def publish(self, subject: str = "", aggregate: str = "initiative.v1", value: bytes | None = None) -> Record:
        """An event with a generated state, or with these bytes."""
        subject = subject or str(uuid4())
        self.sequence += 1
        data = orjson.dumps({"initiative_id": subject, "title": f"№ {self.sequence}"}) if value is None else value
        new = REMOVED if is_removal(data) else state_hash(aggregate.encode(), subject.encode(), data)
        reference = aggregate, subject
        self.digest = replaced(self.digest, self.hashes.get(reference, REMOVED), new)
        self.hashes[reference] = new
        return self.append(to_headers(self.lines(aggregate, subject)), data)

    def repeat(self, record: Record, **changes: bytes) -> Record:
        """The relay sends a record again; ``value`` and headers may be tampered with."""
        value = changes.pop("value", record.data)
        headers = [(name, changes.get(name, old)) for name, old in record.named]
        return self.append(headers, value)

    def begin_anew(self) -> None:
        """A new timeline: the owner's lane starts again at sequence 1."""
        self.timeline, self.sequence, self.digest, self.hashes = self.timeline + 1, 0, 0, {}

    def append(self, headers: list[tuple[str, bytes]], value: bytes) -> Record:
        record = Record((TOPIC, self.lane), len(self.log), headers, value)
        self.log.append(record)
        return record

    def lines(self, aggregate: str, subject: str) -> bytes:
        attributes = {
            "aggregate": aggregate,
            "authid": "urn:nld:oin:00000099000000000344",
            "causationid": "cause",
            "correlationid": "correlation",
            "id": self.identity if self.sequence == 1 else str(uuid4()),
            "lane": f"{TOPIC}/{self.lane}",
            "sequence": f"{self.sequence:020d}",
            "source": "urn:nld:oin:00000099000000000001:systeem:samenspel-registry",
            "specversion": "1.0",
            "statedigest": to_hex(self.digest),
            "subject": subject,
            "submissionid": "submission",
            "time": "2026-11-24T10:00:00.000Z",
            "timeline": str(self.timeline),
            "type": "nl.samenspel.initiative-registered.v1",
        }
        return "".join(f"ce_{name}:{text}\n" for name, text in attributes.items()).encode()


class Source:
    """Hands out published records, a few at a time, like `KafkaLanes`."""

    def __init__(self, *owners: Owner) -> None:
        self._logs = {(TOPIC, owner.lane): owner.log for owner in owners}
        self.next_offsets: dict[LaneName, int] = {}
        self.handed_out = 0

    def bounds(self, topics: Sequence[str]) -> dict[LaneName, tuple[int, int]]:
        return {name: (log[0].at if log else 0, log[-1].at + 1 if log else 0) for name, log in self._logs.items()}

    def read_from(self, offsets: Mapping[LaneName, int]) -> None:
        self.next_offsets = dict(offsets)

    def seek(self, name: LaneName, offset: int) -> None:
        self.next_offsets[name] = offset

    def batch(self, records_max: int, seconds: float) -> list[Record]:
        found = []
        for name in self.next_offsets:
            log = self._logs[name]
            some = [record for record in log if record.at >= self.next_offsets[name]][:3]
            if some:
                self.next_offsets[name] = some[-1].at + 1
            found += some
        self.handed_out += len(found)
        return found

    def records(self, places: Mapping[LaneName, tuple[int, int]]) -> Iterator[Record]:
        self.read_from({name: start for name, (start, _) in places.items()})
        while any(self.next_offsets[name] < end for name, (_, end) in places.items()):
            yield from self.batch(0, 0)

    def require_progress(self) -> None: ...


def reading_of(store: ReplicaStore, *owners: Owner, rebuild: bool = False) -> KafkaSync:
    """A sync of the store up to the present end of these owners' logs, after the recognition of its lanes."""
    source = Source(*owners)
    bounds = source.bounds([TOPIC])
    prepare_from_kafka(source, store, bounds, rebuild=rebuild)  # type: ignore[arg-type]
    return KafkaSync(source, store, bounds)  # type: ignore[arg-type]
