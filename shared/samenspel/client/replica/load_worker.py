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
from samenspel.client.replica.parallel_load import LENGTH_BYTES, LoadPage, Places
from samenspel.contracts.sequencing import SequenceVerdict

EVENTS_PER_PAGE: Final = 5_000


def read(source: KafkaLanes, places: Places) -> Iterator[LoadPage]:
    """What follows on each other on these lanes, page by page; a lane is left where it holds something else."""
    copy = ReplicaBatch({name: ReplicaLane(*name) for name in places}, Hashes())
    left = set[LaneId]()
    for record in source.records(places):
        name = record.topic(), record.partition()
        if name not in left and not _follows(copy, copy.lanes[name], record):
            left.add(name)
        if len(copy.rows) >= EVENTS_PER_PAGE:
            yield _page(copy)
    yield _page(copy)


def _follows(copy: ReplicaBatch, lane: ReplicaLane, record: Record) -> bool:
    """Take it; whether it was the next event, or one that there was already."""
    try:
        verdict = copy.apply(lane, record.offset(), record.headers(), record.value())
    except (KeyError, ValueError, TypeError):
        return False
    return verdict is SequenceVerdict.APPLY or (verdict is SequenceVerdict.SKIP and lane.divergence is None)


def _page(copy: ReplicaBatch) -> LoadPage:
    lanes = [lane for lane in copy.lanes.values() if lane.sequence]
    standing = [(lane.topic, lane.partition, lane.sequence, lane.digest, lane.last_offset) for lane in lanes]
    page = copy.rows, standing
    copy.committed()
    return page


def _main(asked: bytes, answers: IO[bytes]) -> None:
    folder, organisation, lanes = json.loads(asked)
    profile = Profile(Path(folder))
    places = {(topic, lane): (start, end) for topic, lane, start, end in lanes}
    with KafkaLanes(profile.system().kafka, profile.credential(organisation)) as source:
        for page in read(source, places):
            packed = marshal.dumps(page)
            answers.write(len(packed).to_bytes(LENGTH_BYTES, "big") + packed)


if __name__ == "__main__":
    gc.disable()
    _main(sys.stdin.buffer.read(), sys.stdout.buffer)
