"""Recognition of the source: a sync applies nothing before every lane of the file is found in the source.

A lane is found by its content: the source has the event at sequence 1 of the file, or an event of the file at the
same place with the same id and digest. A lane without events in the file accepts the first event of the source.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final

from samenspel.client.access.kafka_lanes import KafkaLanes, Record
from samenspel.client.replica.apply import Known, ReplicaLane
from samenspel.client.replica.connection import ReplicaError
from samenspel.client.replica.refusals import REBUILD, OtherSystem, SourceRefused
from samenspel.contracts.integers import read_sequence, read_timeline
from samenspel.contracts.lane_identity import is_other_lane
from samenspel.contracts.topics import LaneId

Find = Callable[[ReplicaLane, int], Known | None]
"""Id and digest of the event of a lane at a sequence in the file."""
NO_EVENTS: Final = "{} has no events, so the replica is not emptied: check with `samenspel status`, and sync again"


class SourceCheck:
    """The lanes of a file that are not found in the source yet, by name."""

    def __init__(self, lanes: Iterable[ReplicaLane], find: Find) -> None:
        self.unseen = {lane.name: lane for lane in lanes if lane.identity}
        self._find = find

    def see(self, name: LaneId, headers: Mapping[str, bytes]) -> None:
        """Read one event of the source. Raises OtherSystem; KeyError or ValueError for another record."""
        lane = self.unseen.get(name)
        if lane is None:
            return
        timeline, sequence = read_timeline(headers["ce_timeline"]), read_sequence(headers["ce_sequence"])
        event = headers["ce_id"].decode()
        if is_other_lane(lane.identity, sequence, event):
            raise OtherSystem(lane.label)
        known = self._find(lane, sequence) if timeline == lane.timeline else None
        if sequence == 1 or known == (event, headers["ce_statedigest"].decode()):
            del self.unseen[name]

    def require_all(self, source: str) -> None:
        """Raise SourceRefused when a lane was not found in ``source``."""
        for lane in self.unseen.values():
            raise SourceRefused(
                f"{source} has no event of lane {lane.label} that this file has (up to event {lane.sequence}): "
                f"events were lost there, or this file is of another system; {REBUILD}"
            )


def recognise(
    source: KafkaLanes, lanes: Collection[ReplicaLane], find: Find, bounds: Mapping[LaneId, tuple[int, int]]
) -> None:
    """Find the lanes in Kafka: at the offset of the last applied event, else from the start of the log.

    Raises ReplicaError, EnvironmentUnavailable.
    """
    recognition = SourceCheck(lanes, find)
    there = {name: lane for name, lane in recognition.unseen.items() if name in bounds}
    ranges = {name: (_start(lane, *bounds[name]), bounds[name][1]) for name, lane in there.items()}
    from_last = {name for name, (start, _) in ranges.items() if start > bounds[name][0]}
    for record in source.records(ranges):
        name = record.topic(), record.partition()
        _see(recognition, name, record)
        if not recognition.unseen:
            return
        if name in recognition.unseen and name in from_last:
            from_last.remove(name)
            source.seek(name, bounds[name][0])
    recognition.require_all("Kafka")


def require_events(source: KafkaLanes, bounds: Mapping[LaneId, tuple[int, int]]) -> None:
    """Read a record of each lane with records. Raises ReplicaError when Kafka has none, EnvironmentUnavailable."""
    unread = {name: (start, end) for name, (start, end) in bounds.items() if start < end}
    if not unread:
        raise ReplicaError(NO_EVENTS.format("Kafka"))
    for record in source.records(dict(unread)):
        unread.pop((record.topic(), record.partition()), None)
        if not unread:
            return


def _start(lane: ReplicaLane, start: int, end: int) -> int:
    return lane.last_offset if start <= lane.last_offset < end else start


def _see(recognition: SourceCheck, name: LaneId, record: Record) -> None:
    try:
        recognition.see(name, dict(record.headers() or ()))
    except (KeyError, ValueError, AttributeError):
        return  # No canonical event: the sync counts the record as unreadable.
