"""Tail of all canonical lanes, with the names that the events refer to."""

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal

import orjson

from samenspel.client.access.kafka_lanes import KafkaLanes, Record
from samenspel.client.access.profile import Profile
from samenspel.client.read.sentences import NameIndex
from samenspel.contracts.canonical import CanonicalEvent, read, to_structured
from samenspel.contracts.topics import CANONICAL, FUNDING, INITIATIVES, ORGANISATIONS, LaneId

From = Literal["beginning", "now"]
RECORDS_MAX: Final = 1_000
TITLES_PER_LANE: Final = 5_000
WAIT_SECONDS: Final = 0.5
_NAME_TOPICS: Final = (ORGANISATIONS, INITIATIVES, FUNDING)


@dataclass(frozen=True, slots=True)
class TailedEvent:
    """A canonical event with the attributes needed for a sentence: OIN of the submitter, and RFC 3339 time."""

    event: CanonicalEvent
    submitter: str
    time: str

    def structured(self) -> bytes:
        """The event as a CloudEvents JSON object."""
        return to_structured(self.event.lines, self.event.value)


def tail(
    profile: Profile,
    organisation: str,
    names: NameIndex,
    *,
    since: From,
    follow: bool = True,
    types: Collection[str] = (),
    on_unreadable: Callable[[str], None] = lambda place: None,
) -> Iterator[TailedEvent]:
    """Events of the four canonical topics, in order per lane; without ``follow``, up to the present end of each lane.

    All organisations and the latest initiatives and programmes are read first, to fill ``names``. A record that is no
    event is skipped, and ``on_unreadable`` is called with its place. Raises EnvironmentUnavailable, ProfileError.
    """
    with KafkaLanes(profile.system().kafka, profile.credential(organisation)) as lanes:
        bounds = lanes.bounds(list(CANONICAL))
        known = {name: _name_range(name, *ends, since) for name, ends in bounds.items() if name[0] in _NAME_TOPICS}
        for _, tailed in _read(lanes, {name: start for name, (start, _) in known.items()}, known):
            if tailed is not None:
                _learn(names, tailed.event)
        starts = {name: start if since == "beginning" else end for name, (start, end) in bounds.items()}
        for place, tailed in _read(lanes, starts, None if follow else bounds):
            if tailed is None:
                on_unreadable(place)
            elif not types or tailed.event.type in types:
                yield tailed


def _name_range(name: LaneId, start: int, end: int, since: From) -> tuple[int, int]:
    """Offset range to read for names: all organisations; the latest events of other lanes unless all are shown."""
    if name[0] == ORGANISATIONS:
        return start, end
    return (end, end) if since == "beginning" else (max(start, end - TITLES_PER_LANE), end)


def _read(
    lanes: KafkaLanes, starts: dict[LaneId, int], ends: dict[LaneId, tuple[int, int]] | None
) -> Iterator[tuple[str, TailedEvent | None]]:
    """Place and event of each record; None for a record that is no event."""
    lanes.read_from(starts)
    while ends is None or any(lanes.next_offsets[name] < end for name, (_, end) in ends.items()):
        records = lanes.batch(RECORDS_MAX, WAIT_SECONDS)
        # Merge the lanes of one fetch by Kafka timestamp: close to the order of occurrence.
        for record in sorted(records, key=lambda each: each.timestamp()[1]):
            yield f"{record.topic()}/{record.partition()}/{record.offset()}", _tailed(record)
        if ends is not None:
            lanes.require_progress()


def _tailed(record: Record) -> TailedEvent | None:
    headers, value = record.headers() or [], record.value()
    try:
        fields = dict(headers)
        event = read(record.topic(), record.partition(), record.offset(), headers, value)
        submitter, time = fields["ce_authid"].decode(), fields["ce_time"].decode()
    except (KeyError, ValueError, TypeError, AttributeError):
        return None  # A header without a value is None.
    return None if value is None else TailedEvent(event, submitter.rpartition(":")[2], time)


def _learn(names: NameIndex, event: CanonicalEvent) -> None:
    with suppress(orjson.JSONDecodeError, KeyError, TypeError):
        names.learn(event.aggregate, orjson.loads(event.value))
