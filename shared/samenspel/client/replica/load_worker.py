"""Worker process of `parallel_load`: reads and checks a share of the lanes and writes pages of rows to stdout.

A lane ends in the worker at the first record that is neither the next event nor a repeat.
"""

import gc
import json
import marshal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from samenspel.client.access.kafka_lanes import KafkaLanes, Record
from samenspel.client.access.profile import Profile
from samenspel.client.replica.apply import Hashes, ReplicaBatch, ReplicaLane
from samenspel.client.replica.parallel_load import LENGTH_BYTES, LoadPage, OffsetRanges
from samenspel.contracts.sequencing import SequenceVerdict
from samenspel.contracts.topics import LaneId

EVENTS_PER_PAGE: Final = 5_000


def read(source: KafkaLanes, ranges: OffsetRanges) -> Iterator[LoadPage]:
    """Pages of consecutive events; a lane stops at the first record that `_apply` does not accept."""
    batch = ReplicaBatch({name: ReplicaLane(*name) for name in ranges}, Hashes())
    stopped = set[LaneId]()
    for record in source.records(ranges):
        name = record.topic(), record.partition()
        if name not in stopped and not _apply(batch, batch.lanes[name], record):
            stopped.add(name)
        if len(batch.rows) >= EVENTS_PER_PAGE:
            yield _page(batch)
    yield _page(batch)


def _apply(batch: ReplicaBatch, lane: ReplicaLane, record: Record) -> bool:
    """Apply the record; whether the record is the next event or a repeat."""
    try:
        verdict = batch.apply(lane, record.offset(), record.headers(), record.value())
    except (KeyError, ValueError, TypeError):
        return False
    return verdict is SequenceVerdict.APPLY or (verdict is SequenceVerdict.SKIP and lane.divergence is None)


def _page(batch: ReplicaBatch) -> LoadPage:
    lanes = [lane for lane in batch.lanes.values() if lane.sequence]
    positions = [(lane.topic, lane.partition, lane.sequence, lane.digest, lane.last_offset) for lane in lanes]
    page = batch.rows, positions
    batch.mark_committed()
    return page


def _main(request: bytes, output: IO[bytes]) -> None:
    folder, organisation, lanes = json.loads(request)
    profile = Profile(Path(folder))
    ranges = {(topic, lane): (start, end) for topic, lane, start, end in lanes}
    with KafkaLanes(profile.system().kafka, profile.credential(organisation)) as source:
        for page in read(source, ranges):
            packed = marshal.dumps(page)
            output.write(len(packed).to_bytes(LENGTH_BYTES, "big") + packed)


if __name__ == "__main__":
    gc.disable()
    _main(sys.stdin.buffer.read(), sys.stdout.buffer)
