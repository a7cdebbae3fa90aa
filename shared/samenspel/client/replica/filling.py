"""A file that is still empty is filled by several processes: they read and check a share of the lanes each.

Reading and checking take twice what writing takes, and are Python: one process has one core's worth of it. Only
events that follow on each other are taken so. Whatever else a lane holds ends the reading of that lane here, as does
whatever else goes wrong: `kafka` goes on where the file ends, and knows what to make of it.
"""

import gc
import json
import marshal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import IO, Any, Final

from samenspel.client.kafka_lanes import KafkaLanes, LaneName, Record
from samenspel.client.profile import Profile
from samenspel.client.replica.copy import Copy, Hashes, Lane
from samenspel.client.replica.store import Store
from samenspel.messaging.law import Verdict

READERS: Final = 2
WORTH: Final = 30_000
"""Events; starting processes costs as much as reading so many."""
EVENTS_PER_PAGE: Final = 5_000
_LENGTH_BYTES: Final = 8
_PAGES_WAITING: Final = 2

Places = Mapping[LaneName, tuple[int, int]]
"""Each lane's first offset, and the one behind its last."""
Page = tuple[list[tuple[Any, ...]], list[tuple[str, int, int, int, int]]]
"""Rows of table ``event``, and where their lanes stand after them: topic, partition, sequence, digest, offset."""


def fill(
    profile: Profile, organisation: str, store: Store, places: Places, progress: Callable[[int, int], None]
) -> int:
    """Read what the lanes have into a file that has nothing of them; how many events that were.

    0 when there is little to read, or something of it is in the file.
    """
    lanes = [store.lane(*name) for name in places]
    total = sum(end - start for start, end in places.values())
    if total < WORTH or any(lane.sequence for lane in lanes):
        return 0
    copy, filled = store.copy(lanes), 0
    pages: Queue[Page | None] = Queue(_PAGES_WAITING)
    with ExitStack() as stack:
        shares = _shares(places)
        for share in shares:
            stack.enter_context(_reader(profile, organisation, share, pages))
        for page in _until_ended(pages, len(shares)):
            filled += write(store, copy, page)
            progress(filled, total)
    store.settle()
    return filled


def _shares(places: Places) -> list[Places]:
    """Lanes for each reader, as much for one as for another."""
    shares: list[dict[LaneName, tuple[int, int]]] = [{} for _ in range(READERS)]
    for name, (start, end) in sorted(places.items(), key=lambda each: each[1][0] - each[1][1]):
        least = min(shares, key=lambda share: sum(until - since for since, until in share.values()))
        least[name] = start, end
    return [share for share in shares if share]


def _until_ended(pages: "Queue[Page | None]", readers: int) -> Iterator[Page]:
    while readers:
        page = pages.get()
        if page is None:
            readers -= 1
        else:
            yield page


def write(store: Store, copy: Copy, page: Page) -> int:
    """Commit a page; how many events it has."""
    copy.rows, standing = page
    for topic, partition, sequence, digest, offset in standing:
        lane = copy.lanes[topic, partition]
        lane.sequence, lane.digest, lane.last_offset = sequence, digest, offset
    return store.commit(copy)


@contextmanager
def _reader(profile: Profile, organisation: str, share: Places, pages: "Queue[Page | None]") -> Iterator[None]:
    """A process that reads this share; its pages come, and then None."""
    process = subprocess.Popen(
        [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdin is not None and process.stdout is not None
    listener = Thread(target=_listen, args=(process.stdout, pages), daemon=True)
    try:
        listener.start()
        with suppress(BrokenPipeError), process.stdin as asked:
            lanes = [[*name, *bounds] for name, bounds in share.items()]
            asked.write(json.dumps([str(profile.folder), organisation, lanes]).encode())
        yield
    finally:
        process.kill()
        process.wait()


def _listen(answers: IO[bytes], pages: "Queue[Page | None]") -> None:
    """Hand on whole pages; of one that was cut off there is nothing."""
    with answers:
        while len(length := answers.read(_LENGTH_BYTES)) == _LENGTH_BYTES:
            size = int.from_bytes(length, "big")
            if len(page := answers.read(size)) == size:
                pages.put(marshal.loads(page))
    pages.put(None)


def read(source: KafkaLanes, places: Places) -> Iterator[Page]:
    """What follows on each other on these lanes, page by page; a lane is left where it holds something else."""
    copy = Copy({name: Lane(*name) for name in places}, Hashes())
    left = set[LaneName]()
    for record in source.records(places):
        name = record.topic(), record.partition()
        if name not in left and not _follows(copy, copy.lanes[name], record):
            left.add(name)
        if len(copy.rows) >= EVENTS_PER_PAGE:
            yield _page(copy)
    yield _page(copy)


def _follows(copy: Copy, lane: Lane, record: Record) -> bool:
    """Take it; whether it was the next event, or one that there was already."""
    try:
        verdict = copy.take(lane, record.offset(), record.headers(), record.value())
    except (KeyError, ValueError, TypeError):
        return False
    return verdict is Verdict.APPLY or (verdict is Verdict.SKIP and lane.divergence is None)


def _page(copy: Copy) -> Page:
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
            answers.write(len(packed).to_bytes(_LENGTH_BYTES, "big") + packed)


if __name__ == "__main__":
    gc.disable()
    _main(sys.stdin.buffer.read(), sys.stdout.buffer)
