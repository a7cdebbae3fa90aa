"""A file that is still empty is filled by several processes: `reading` reads and checks a share of the lanes in each.

Reading and checking take twice what writing takes, and are Python: one process has one core's worth of it. Whatever
goes wrong with them ends the filling where it is: `kafka` goes on where the file ends, and knows what to make of it.
"""

import json
import marshal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from queue import Queue
from threading import Thread
from typing import IO, Any, Final

from samenspel.client.access.kafka_lanes import LaneId
from samenspel.client.access.profile import Profile
from samenspel.client.replica.apply import ReplicaBatch
from samenspel.client.replica.store import ReplicaStore
from samenspel.contracts.sequencing import Position

BEGINNING: Final = (1, 0)
"""The timeline and sequence of a lane that was never read."""
READERS: Final = 2
READER: Final = ("-P", "-m", "samenspel.client.replica.load_worker")
WORTH: Final = 30_000
"""Events; starting processes costs as much as reading so many."""
LENGTH_BYTES: Final = 8
"""Before each page, its length: big-endian."""
_PAGES_WAITING: Final = 2

Places = Mapping[LaneId, tuple[int, int]]
"""Each lane's first offset, and the one behind its last."""
LoadPage = tuple[list[tuple[Any, ...]], list[tuple[str, int, int, int, int]]]
"""Rows of table ``event``, and where their lanes stand after them: topic, partition, sequence, digest, offset."""
Pages = Queue[LoadPage | None]
"""Those that have come; None for each reader that has ended."""


def load(
    profile: Profile, organisation: str, store: ReplicaStore, places: Places, progress: Callable[[int, int], None]
) -> int:
    """Read what the lanes have into a file that has nothing of them; how many events that were.

    0 when there is little to read, or the file has been on one of them before.
    """
    lanes = [store.lane(*name) for name in places]
    total = sum(end - start for start, end in places.values())
    if total < WORTH or any(lane.stored != BEGINNING for lane in lanes):
        return 0
    copy, filled, pages = store.batch(lanes), 0, Pages(_PAGES_WAITING)
    with ExitStack() as readers:
        shares = _shares(places)
        for share in shares:
            readers.enter_context(_reader(profile, organisation, share, pages))
        for page in _until_ended(pages, len(shares)):
            filled += write(store, copy, page)
            progress(filled, total)
    if filled:
        store.finish()
    return filled


def _shares(places: Places) -> list[Places]:
    """Lanes for each reader, as much for one as for another."""
    shares: list[dict[LaneId, tuple[int, int]]] = [{} for _ in range(READERS)]
    for name, (start, end) in sorted(places.items(), key=lambda each: each[1][0] - each[1][1]):
        least = min(shares, key=lambda share: sum(until - since for since, until in share.values()))
        least[name] = start, end
    return [share for share in shares if share]


def _until_ended(pages: Pages, readers: int) -> Iterator[LoadPage]:
    while readers:
        page = pages.get()
        if page is None:
            readers -= 1
        else:
            yield page


def write(store: ReplicaStore, copy: ReplicaBatch, page: LoadPage) -> int:
    """Commit a page; how many events it has."""
    copy.rows, standing = page
    for topic, partition, sequence, digest, offset in standing:
        lane = copy.lanes[topic, partition]
        lane.position = Position(lane.timeline, sequence, digest, offset)
    return store.commit(copy)


@contextmanager
def _reader(profile: Profile, organisation: str, share: Places, pages: Pages) -> Iterator[None]:
    """A process that reads this share; its pages come, and then None."""
    try:
        process = subprocess.Popen(
            [sys.executable, *READER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except OSError:
        pages.put(None)
        yield
        return
    assert process.stdin is not None and process.stdout is not None
    try:
        Thread(target=_listen, args=(process.stdout, pages), daemon=True).start()
        with suppress(BrokenPipeError), process.stdin as asked:
            lanes = [[*name, *bounds] for name, bounds in share.items()]
            asked.write(json.dumps([str(profile.folder), organisation, lanes]).encode())
        yield
    finally:
        process.kill()
        process.wait()


def _listen(answers: IO[bytes], pages: Pages) -> None:
    """Hand on whole pages; of one that was cut off there is nothing."""
    try:
        with answers:
            while len(length := answers.read(LENGTH_BYTES)) == LENGTH_BYTES:
                size = int.from_bytes(length, "big")
                if len(page := answers.read(size)) == size:
                    pages.put(marshal.loads(page))
    finally:
        pages.put(None)
