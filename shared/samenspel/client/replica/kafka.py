"""Replica sync over Kafka: reads every lane from the position in the file to the end of the lane."""

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from samenspel.client.access.kafka_lanes import KafkaLanes, Record
from samenspel.client.access.profile import Profile
from samenspel.client.replica.apply import ReplicaLane
from samenspel.client.replica.connection import ReplicaError
from samenspel.client.replica.foreign import ForeignRecordCount
from samenspel.client.replica.parallel_load import OffsetRanges, load
from samenspel.client.replica.recognition import recognise, require_events
from samenspel.client.replica.report import SyncReport, report_on
from samenspel.client.replica.store import ReplicaStore
from samenspel.contracts.canonical import position_of
from samenspel.contracts.sequencing import SequenceVerdict
from samenspel.contracts.topics import CANONICAL, LaneId

RECORDS_MAX: Final = 5_000
EVENTS_PER_COMMIT: Final = 20_000
WAIT_SECONDS: Final = 0.5
LoadProgress = Callable[[int, int], None]
"""Called with the number of records read, and the number of records to read at the start."""


def sync_over_kafka(
    profile: Profile,
    organisation: str,
    store: ReplicaStore,
    *,
    topics: Sequence[str] = tuple(CANONICAL),
    follow: bool = False,
    rebuild: bool = False,
    progress: LoadProgress = lambda done, total: None,
) -> SyncReport:
    """Sync the file to the present ends of the lanes; with ``follow``, continue until interrupted.

    A diverged lane stops, other lanes continue. With ``rebuild`` the file is emptied first, once Kafka has given an
    event of each lane. Raises OtherSystem for a file of another system, EnvironmentUnavailable, ProfileError,
    ReplicaError.
    """
    began = time.monotonic()
    with KafkaLanes(profile.system().kafka, profile.credential(organisation)) as source, _without_gc():
        bounds = source.bounds(topics)
        prepare_from_kafka(source, store, bounds, rebuild=rebuild)
        loaded = load(profile, organisation, store, bounds, progress)
        sync = KafkaSync(source, store, bounds)
        applied = sync.run(follow, lambda done, total: progress(loaded + done, loaded + total))
    store.finish()
    return SyncReport(
        loaded + applied,
        time.monotonic() - began,
        store.unknown_aggregates(),
        sync.foreign.number,
        tuple(report_on(lane) for lane in sync.batch.lanes.values()),
        sync.foreign.reports(),
    )


def prepare_from_kafka(source: KafkaLanes, store: ReplicaStore, bounds: OffsetRanges, *, rebuild: bool) -> None:
    """Recognise the lanes of the file in Kafka, or empty the file. Raises ReplicaError, EnvironmentUnavailable."""
    if rebuild:
        require_events(source, bounds)
        store.empty()
    else:
        topics = {topic for topic, _ in bounds}
        recognise(source, [lane for lane in store.lanes() if lane.topic in topics], store.known, bounds)
    store.speed_up_loading()


class KafkaSync:
    """One sync over all lanes up to the given bounds; ``applied`` counts the committed events."""

    def __init__(self, source: KafkaLanes, store: ReplicaStore, bounds: OffsetRanges) -> None:
        self._source = source
        self._store = store
        self._bounds = bounds
        self.batch = store.batch([store.lane(*name) for name in self._bounds])
        self._unchecked = {name for name in self._bounds if self.batch.lanes[name].last_offset >= 0}
        self.foreign = ForeignRecordCount()
        self.applied = 0

    def run(self, follow: bool, progress: LoadProgress) -> int:
        starts = {name: self._start_offset(name) for name in self._bounds}
        total = sum(end - starts[name] for name, (_, end) in self._bounds.items())
        done = 0
        self._source.read_from(starts)
        try:
            while follow or self._has_unread_records():
                records = self._source.batch(RECORDS_MAX, WAIT_SECONDS)
                self._apply(records)
                done += len(records)
                progress(done, total)
                if not self._has_unread_records() or len(self.batch.rows) >= EVENTS_PER_COMMIT:
                    self._commit()
                if not follow:
                    self._source.require_progress()
                elif not records or not (self._has_unread_records() or self._store.is_loaded):
                    self._store.finish()
        except KeyboardInterrupt:
            if not follow:
                raise
        except ReplicaError:
            self.batch.rows = []
            raise
        finally:
            self._commit()
        return self.applied

    def _start_offset(self, name: LaneId) -> int:
        """Offset of the last applied record, to check that record first; start of the log when the offset is gone."""
        start, end = self._bounds[name]
        offset = self.batch.lanes[name].last_offset
        if start <= offset < end:
            return offset
        self._unchecked.discard(name)
        self.batch.lanes[name].unmet = self.batch.lanes[name].sequence
        return start

    def _has_unread_records(self) -> bool:
        return any(self._source.next_offsets[name] < end for name, (_, end) in self._bounds.items())

    def _commit(self) -> None:
        self.applied += self._store.commit(self.batch)

    def _apply(self, records: Sequence[Record]) -> None:
        lanes, apply, restarted = self.batch.lanes, self.batch.apply, set[LaneId]()
        for record in records:
            name = record.topic(), record.partition()
            lane = lanes[name]
            if name in restarted:
                continue
            if name in self._unchecked and not self._is_last_applied(lane, record):
                restarted.add(name)
                continue
            try:
                verdict = apply(lane, record.offset(), record.headers(), record.value())
            except (KeyError, ValueError, TypeError):
                # Only the owning service writes canonical topics. A lost event shows as a gap in the sequence.
                self.foreign.add(name, record.offset(), lane.last_offset)
                continue
            if verdict is SequenceVerdict.NEW_TIMELINE:
                self._rebuild(lane, record)
                restarted.add(name)
        for name in restarted:
            self._source.seek(name, self._bounds[name][0])

    def _is_last_applied(self, lane: ReplicaLane, record: Record) -> bool:
        """Whether the first record is at the place of the last applied event; if not, the log was recreated or cut.

        The batch compares the content of a record at a known place.
        """
        self._unchecked.discard(lane.name)
        place = _position_of(dict(record.headers() or ()))
        if record.offset() == lane.last_offset and place == (lane.timeline, lane.sequence):
            return True
        lane.unmet = lane.sequence
        return False

    def _rebuild(self, lane: ReplicaLane, record: Record) -> None:
        """Archive the earlier timeline of the lane; the caller reads the new timeline from the start."""
        self._commit()
        timeline, _ = _position_of(dict(record.headers()))
        self._store.restart_lane(lane, timeline)
        self.batch.hashes = self._store.hashes()


def _position_of(headers: dict[str, bytes]) -> tuple[int, int]:
    return position_of(headers.items()) or (0, 0)


@contextmanager
def _without_gc() -> Iterator[None]:
    """Disable the garbage collector: millions of rows contain no cycles, and scanning the rows is slow."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
