"""Wire format of a canonical event: Kafka headers, and the header lines that the journal stores.

A header line is ``name:value``, UTF-8, ended by a newline; one line per ``ce_`` header, sorted by name. The lines are
encoded once, together with the event. Relay, feed and transparency log use these bytes unchanged.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

import orjson

from samenspel.contracts.digest import from_hex
from samenspel.contracts.integers import read_sequence, read_timeline
from samenspel.contracts.sequencing import SequencedEvent, hash_after

CONTENT_TYPE: Final = ("content-type", b"application/json")
EVENT_BYTES_MAX: Final = 64_000
"""Headers and value together. Every CloudEvents intermediary must forward 64 KB."""
SUBMISSION_BYTES_MAX: Final = 48_000
SHAPES_MAX: Final = 64
_NAME: Final = re.compile(rb"ce_(?!datacontenttype$)[a-z0-9]+")
_PLAIN: Final = rb"[ !#-\[\]-~]*"
"""ASCII that JSON does not escape."""


def to_headers(lines: bytes) -> list[tuple[str, bytes]]:
    """The Kafka headers of an event, in the order of the lines."""
    pairs = [line.split(":", 1) for line in lines.decode().split("\n")[:-1]]
    return [(name, value.encode()) for name, value in pairs] + [CONTENT_TYPE]


def to_lines(headers: Iterable[tuple[str, bytes]]) -> bytes:
    """The header lines of an event read from Kafka; byte for byte equal to the lines in the owner's journal."""
    named = sorted((name.encode(), value) for name, value in headers if name.startswith("ce_"))
    return b"".join(b"%b:%b\n" % pair for pair in named)


def to_structured(lines: bytes, value: bytes) -> bytes:
    """The event as a CloudEvents JSON object; ``data`` is ``value``, byte for byte.

    Nearly all events have the attributes of few shapes, in texts that JSON does not escape. Such lines are converted
    by one regular expression, in a third of the time.
    """
    global _last_shape
    found = _last_shape.pattern.fullmatch(lines)
    if found is None:
        shape = _shape_of(tuple(line.partition(b":")[0] for line in lines.split(b"\n")[:-1]))
        found = shape and shape.pattern.fullmatch(lines)
        if shape is None or found is None:
            return _structured(lines, value)
        _last_shape = shape
    return _last_shape.template % found.groups() + value + b"}"


class _Shape(NamedTuple):
    """Lines with given names in a given order: pattern of the values, and the JSON object up to the data."""

    pattern: re.Pattern[bytes]
    template: bytes


@lru_cache(SHAPES_MAX)
def _shape_of(names: tuple[bytes, ...]) -> _Shape | None:
    """None for names that need care: repeated, unusual, or the name of the content type."""
    if len(set(names)) < len(names) or not names or not all(map(_NAME.fullmatch, names)):
        return None
    pattern = b"".join(b"%b:(%b)\n" % (name, _PLAIN) for name in names)
    members = b",".join(b'"%b":"%%b"' % name[3:] for name in names)
    return _Shape(re.compile(pattern), b"{" + members + b',"datacontenttype":"application/json","data":')


_last_shape = _Shape(re.compile(b"(?!)"), b"")
"""The shape of the last event; at first a pattern that matches nothing."""


def _structured(lines: bytes, value: bytes) -> bytes:
    """`to_structured` for any lines."""
    attributes = {
        name[3:].decode(): text.decode() for name, text in (line.split(b":", 1) for line in lines.splitlines())
    }
    attributes["datacontenttype"] = "application/json"
    return orjson.dumps(attributes)[:-1] + b',"data":' + value + b"}"


def position_of(headers: Iterable[tuple[str, bytes]]) -> tuple[int, int] | None:
    """Timeline and sequence of a record of a lane; None for a record that is no event."""
    fields = dict(headers)
    try:
        return read_timeline(fields["ce_timeline"]), read_sequence(fields["ce_sequence"])
    except (KeyError, ValueError, AttributeError):
        return None


@dataclass(frozen=True, slots=True)
class CanonicalEvent:
    """A canonical event with the attributes that a consumer needs, decoded; ``value`` is the undecoded data.

    Receipts have no ``statedigest`` and are not represented by this class.
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
    def position(self) -> tuple[int, int]:
        """Timeline and sequence."""
        return self.timeline, self.sequence

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
    """The canonical event in a Kafka record. Raises `KeyError` or `ValueError` for any other record."""
    kept = tuple(headers)
    fields = dict(kept)
    return CanonicalEvent(
        topic=topic,
        lane=lane,
        offset=offset,
        timeline=read_timeline(fields["ce_timeline"]),
        sequence=read_sequence(fields["ce_sequence"]),
        id=fields["ce_id"].decode(),
        type=fields["ce_type"].decode(),
        aggregate=fields["ce_aggregate"].decode(),
        subject=fields["ce_subject"].decode(),
        statedigest=from_hex(fields["ce_statedigest"]),
        value=value,
        headers=kept,
    )
