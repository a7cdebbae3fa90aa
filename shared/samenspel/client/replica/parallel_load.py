"""Parallel load of an empty replica: worker processes (`load_worker`) read and check a share of the lanes each.

Reading and checking take twice the time of writing and run in Python, so one process uses one core. An error in a
worker ends the load without data loss: `kafka` continues at the positions in the file and handles the error.
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

from samenspel.client.access.profile import Profile
from samenspel.client.replica.apply import ReplicaBatch
from samenspel.client.replica.store import ReplicaStore
from samenspel.contracts.sequencing import Position
from samenspel.contracts.topics import LaneId

NEVER_READ: Final = (1, 0)
"""Timeline and sequence of a lane that was never read."""
WORKERS: Final = 2
WORKER_ARGUMENTS: Final = ("-P", "-m", "samenspel.client.replica.load_worker")
EVENTS_MIN: Final = 30_000
"""Events; starting the workers costs as much time as reading this number of events."""
LENGTH_BYTES: Final = 8
"""Length prefix of each page, big-endian."""
_PAGES_QUEUED_MAX: Final = 2

OffsetRanges = Mapping[LaneId, tuple[int, int]]
"""First offset of each lane, and the offset after the last record."""
LoadPage = tuple[list[tuple[Any, ...]], list[tuple[str, int, int, int, int]]]
"""Rows of table ``event``, and the lane positions after the rows: topic, partition, sequence, digest, offset."""
Pages = Queue[LoadPage | None]
"""Received pages; None for each worker that ended."""


def load(
    profile: Profile,
    organisation: str,
    store: ReplicaStore,
    ranges: OffsetRanges,
    progress: Callable[[int, int], None],
) -> int:
    """Load the lanes into a file without events of these lanes; return the number of loaded events.

    Returns 0 when the lanes have fewer than EVENTS_MIN records, or when the file has been on one of the lanes before.
    """
    lanes = [store.lane(*name) for name in ranges]
    total = sum(end - start for start, end in ranges.values())
    if total < EVENTS_MIN or any(lane.stored != NEVER_READ for lane in lanes):
        return 0
    batch, loaded, pages = store.batch(lanes), 0, Pages(_PAGES_QUEUED_MAX)
    with ExitStack() as workers:
        shares = _shares(ranges)
        for share in shares:
            workers.enter_context(_worker(profile, organisation, share, pages))
        for page in _received(pages, len(shares)):
            loaded += write(store, batch, page)
            progress(loaded, total)
    if loaded:
        store.finish()
    return loaded


def _shares(ranges: OffsetRanges) -> list[OffsetRanges]:
    """Distribute the lanes over the workers, with nearly equal numbers of records."""
    shares: list[dict[LaneId, tuple[int, int]]] = [{} for _ in range(WORKERS)]
    for name, (start, end) in sorted(ranges.items(), key=lambda each: each[1][0] - each[1][1]):
        least = min(shares, key=lambda share: sum(until - since for since, until in share.values()))
        least[name] = start, end
    return [share for share in shares if share]


def _received(pages: Pages, workers: int) -> Iterator[LoadPage]:
    """Received pages, until every worker ended."""
    while workers:
        page = pages.get()
        if page is None:
            workers -= 1
        else:
            yield page


def write(store: ReplicaStore, batch: ReplicaBatch, page: LoadPage) -> int:
    """Commit a page and return the number of events."""
    batch.rows, positions = page
    for topic, partition, sequence, digest, offset in positions:
        lane = batch.lanes[topic, partition]
        lane.position = Position(lane.timeline, sequence, digest, offset)
    return store.commit(batch)


@contextmanager
def _worker(profile: Profile, organisation: str, share: OffsetRanges, pages: Pages) -> Iterator[None]:
    """Start a worker for this share; puts the pages of the worker into the queue, then None."""
    try:
        process = subprocess.Popen(
            [sys.executable, *WORKER_ARGUMENTS],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        pages.put(None)
        yield
        return
    assert process.stdin is not None and process.stdout is not None
    try:
        Thread(target=_receive_pages, args=(process.stdout, pages), daemon=True).start()
        with suppress(BrokenPipeError), process.stdin as request:
            lanes = [[*name, *bounds] for name, bounds in share.items()]
            request.write(json.dumps([str(profile.folder), organisation, lanes]).encode())
        yield
    finally:
        process.kill()
        process.wait()


def _receive_pages(output: IO[bytes], pages: Pages) -> None:
    """Queue complete pages; a truncated page is dropped."""
    try:
        with output:
            while len(length := output.read(LENGTH_BYTES)) == LENGTH_BYTES:
                size = int.from_bytes(length, "big")
                if len(page := output.read(size)) == size:
                    pages.put(marshal.loads(page))
    finally:
        pages.put(None)
