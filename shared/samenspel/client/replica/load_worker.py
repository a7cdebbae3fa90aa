"""One of the processes that fill a new replica: told a share of the lanes, it says page by page what they hold.

Only events that follow on each other are said. Whatever else a lane holds ends the reading of that lane here.
"""

import gc
import json
import marshal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from samenspel.client.access.kafka_lanes import KafkaLanes, LaneId, Record
from samenspel.client.access.profile import Profile
from samenspel.client.replica.apply import Hashes, ReplicaBatch, ReplicaLane
from samenspel.client.replica.parallel_load import LENGTH_BYTES, LoadPage, OffsetRanges
from samenspel.contracts.sequencing import SequenceVerdict

EVENTS_PER_PAGE: Final = 5_000


def read(source: KafkaLanes, ranges: OffsetRanges) -> Iterator[LoadPage]:
    """What follows on each other on these lanes, page by page; a lane is left where it holds something else."""
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
    """Take it; whether it was the next event, or one that there was already."""
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
