"""Compact form of a stored answer, after the removal of the details. Pure functions.

The form has outcome, content hash with key id, and per event the id and the position. The identity is in the other
columns of the row. The type of an event is not stored: the canonical journal has the event at this position for ever.

Bytes: version 1, outcome, 32 bytes of hash, length and text of the key id. Then per event: the topic (a number, or 0
with length and text), lane, timeline, sequence, and the id (0 with the 16 bytes of a UUID, or length and text).
Numbers are unsigned LEB128. A JSON answer begins with ``{``, never with the version.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from samenspel.contracts.problems import Problem
from samenspel.contracts.receipts import Outcome
from samenspel.contracts.submission_hashes import PublishedHash
from samenspel.contracts.topics import FUNDING, INITIATIVES, NOTIFICATIONS, ORGANISATIONS

VERSION: Final = 1
HASH_BYTES: Final = 32
OUTCOMES: Final[Mapping[int, Outcome]] = {1: "accepted", 2: "rejected"}
"""Only final answers have a compact form. A number never changes its meaning."""
TOPICS: Final[Mapping[int, str]] = {1: INITIATIVES, 2: ORGANISATIONS, 3: FUNDING, 4: NOTIFICATIONS}
"""Short numbers of topics. A number never changes its meaning; a topic without a number is stored by name."""
DETAILS_EXPIRED: Final = Problem(
    code="details-expired",
    field="/",
    detail="the submission was rejected before; the problems are no longer kept, and nothing was decided again",
    fix="Look the problems up in the receipt of that time, or send the corrected event under a new id.",
)

_OUTCOME_NUMBERS: Final = {outcome: number for number, outcome in OUTCOMES.items()}
_TOPIC_NUMBERS: Final = {topic: number for number, topic in TOPICS.items()}


class EventPosition(NamedTuple):
    """Position of a canonical event in the journal."""

    topic: str
    lane: int
    timeline: int
    sequence: int


class CompactAnswer(NamedTuple):
    """An answer without details: outcome, hash, and the position and id of every event."""

    outcome: Outcome
    hash: PublishedHash
    events: Sequence[tuple[EventPosition, str]]

    def members(self, types: Mapping[EventPosition, str]) -> dict[str, Any]:
        """The members of the answer as JSON, except for source and id. ``types`` are the types of the events."""
        members = {"outcome": self.outcome, "record": "", **self.hash.as_members()}
        if self.outcome == "rejected":
            return {**members, "problems": [DETAILS_EXPIRED.model_dump()], "problems_left_out": 0}
        return {**members, "events": [_event_ref(*event, types) for event in self.events]}


def is_compact(stored: bytes) -> bool:
    return stored[:1] == bytes([VERSION])


def has_compact_form(answer: Mapping[str, Any]) -> bool:
    """Whether the answer is final. A deferred answer, also a lost one, keeps its details."""
    return answer["outcome"] in _OUTCOME_NUMBERS and "submissionhash" in answer


def compact(answer: Mapping[str, Any]) -> bytes:
    """The compact form of a stored answer, given as JSON members."""
    known = PublishedHash.of(answer)
    parts = [bytes([VERSION, _OUTCOME_NUMBERS[answer["outcome"]]]), bytes.fromhex(known.hash), _text(known.key_id)]
    for event in answer.get("events", ()):
        topic, _, lane = event["lane"].rpartition("/")
        number = _TOPIC_NUMBERS.get(topic, 0)
        parts += [_number(number), b"" if number else _text(topic)]
        parts += [_number(int(lane)), _number(event["timeline"]), _number(event["sequence"]), _id(event["id"])]
    return b"".join(parts)


def read_compact(stored: bytes) -> CompactAnswer:
    """Read the compact form."""
    reader = _Reader(stored, 1)
    outcome = OUTCOMES[reader.number()]
    hash = reader.take(HASH_BYTES).hex()
    return CompactAnswer(outcome, PublishedHash(hash, reader.text()), list(_events(reader)))


def _events(reader: "_Reader") -> Iterator[tuple[EventPosition, str]]:
    while not reader.is_at_end:
        number = reader.number()
        topic = TOPICS[number] if number else reader.text()
        position = EventPosition(topic, reader.number(), reader.number(), reader.number())
        yield position, reader.text() or str(UUID(bytes=reader.take(16)))


def _event_ref(position: EventPosition, id: str, types: Mapping[EventPosition, str]) -> dict[str, str | int]:
    return {
        "lane": f"{position.topic}/{position.lane}",
        "timeline": position.timeline,
        "sequence": position.sequence,
        "id": id,
        "type": types.get(position, ""),
    }


def _id(id: str) -> bytes:
    try:
        uuid = UUID(id)
    except ValueError:
        return _text(id)
    return _number(0) + uuid.bytes if str(uuid) == id else _text(id)


def _text(text: str) -> bytes:
    encoded = text.encode()
    return _number(len(encoded)) + encoded


def _number(number: int) -> bytes:
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


class _Reader:
    def __init__(self, stored: bytes, offset: int) -> None:
        self._stored = stored
        self._offset = offset

    @property
    def is_at_end(self) -> bool:
        return self._offset >= len(self._stored)

    def take(self, size: int) -> bytes:
        self._offset += size
        return self._stored[self._offset - size : self._offset]

    def number(self) -> int:
        number = shift = 0
        while (part := self.take(1)[0]) > 0x7F:
            number |= (part & 0x7F) << shift
            shift += 7
        return number | part << shift

    def text(self) -> str:
        return self.take(self.number()).decode()
