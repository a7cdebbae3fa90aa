"""A canonical event on the wire: its headers as the sorted lines that the journal keeps, and back again.

The lines are ``name:value``, sorted by name, one per ``ce_`` header, UTF-8, each ended by a newline. They are made
once, when the event is, and never again: relay, feed and transparency log all use these bytes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import orjson

from samenspel.contracts.sequencing import SequencedEvent, hash_after

CONTENT_TYPE: Final = ("content-type", b"application/json")
EVENT_BYTES_MAX: Final = 64_000
"""Headers and value together; under the 64 KB that every CloudEvents intermediary must forward."""
SUBMISSION_BYTES_MAX: Final = 48_000


def to_headers(lines: bytes) -> list[tuple[str, bytes]]:
    """The Kafka headers of an event, in the order of its lines."""
    pairs = [line.split(":", 1) for line in lines.decode().split("\n")[:-1]]
    return [(name, value.encode()) for name, value in pairs] + [CONTENT_TYPE]


def to_lines(headers: Iterable[tuple[str, bytes]]) -> bytes:
    """The lines of an event as it was read from Kafka; the same bytes that its owner's journal has."""
    named = sorted((name.encode(), value) for name, value in headers if name.startswith("ce_"))
    return b"".join(b"%b:%b\n" % pair for pair in named)


def to_structured(lines: bytes, value: bytes) -> bytes:
    """The event as a CloudEvents JSON object; ``value`` is taken over byte for byte as ``data``."""
    attributes = {
        name[3:].decode(): text.decode() for name, text in (line.split(b":", 1) for line in lines.splitlines())
    }
    attributes["datacontenttype"] = "application/json"
    return orjson.dumps(attributes)[:-1] + b',"data":' + value + b"}"


@dataclass(frozen=True, slots=True)
class CanonicalEvent:
    """What a consumer needs of a canonical event before it looks at the data.

    ``statedigest`` is absent on receipts. Raises `KeyError` or `ValueError` when read from a record that is none.
    """

    topic: str
    lane: int
    offset: int
    timeline: int
    sequence: int
    id: str
    type: str
    aggregate: str
    subject: str
    statedigest: int
    value: bytes
    headers: tuple[tuple[str, bytes], ...]

    @property
    def lines(self) -> bytes:
        return to_lines(self.headers)

    @property
    def sequenced(self) -> SequencedEvent:
        """The part of the event that `samenspel.contracts.sequencing.step` reads."""
        aggregate, subject = self.aggregate.encode(), self.subject.encode()
        return self.timeline, self.sequence, self.offset, aggregate, subject, self.value

    @property
    def new_hash(self) -> int:
        """``H`` of the aggregate after this event."""
        return hash_after(self.aggregate.encode(), self.subject.encode(), self.value)


def read(topic: str, lane: int, offset: int, headers: Iterable[tuple[str, bytes]], value: bytes) -> CanonicalEvent:
    """The canonical event in a Kafka record."""
    kept = tuple(headers)
    fields = dict(kept)
    return CanonicalEvent(
        topic=topic,
        lane=lane,
        offset=offset,
        timeline=int(fields["ce_timeline"]),
        sequence=int(fields["ce_sequence"]),
        id=fields["ce_id"].decode(),
        type=fields["ce_type"].decode(),
        aggregate=fields["ce_aggregate"].decode(),
        subject=fields["ce_subject"].decode(),
        statedigest=int(fields["ce_statedigest"], 16),
        value=value,
        headers=kept,
    )
