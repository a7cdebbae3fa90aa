"""The deferral worker: decides deferred submissions after the missing aggregate arrived or the deadline passed.

The projector names the aggregates that arrived. A slow pass over all deferrals, one page a second, finds whatever
another instance left behind. The cost of a poll does not depend on the number of deferrals.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from time import monotonic
from typing import Final

import structlog

from samenspel.contracts.catalogue import AggregateRef
from samenspel.messaging.decisions.processor import SubmissionProcessor
from samenspel.messaging.errors import TRANSIENT
from samenspel.messaging.inbox import deferrals, due_deferrals
from samenspel.messaging.inbox.deferrals import DeferredSubmission, Queue
from samenspel.runtime import failpoints
from samenspel.runtime.postgres import Connection, Pool

log = structlog.get_logger()

IDLE_SECONDS: Final = 1.0
PAUSE_SECONDS: Final = 0.2
QUEUES_PER_TRANSACTION: Final = 100
REFS_PER_SEARCH: Final = 500


async def always() -> bool:
    return True


class DeferralWorker:
    """``on_commit`` is called after each commit and wakes the relay.

    ``terms_run`` says whether a passed deadline counts now: whether the service has read everything published.
    """

    def __init__(
        self,
        processor: SubmissionProcessor,
        pool: Pool,
        on_commit: Callable[[int], None],
        terms_run: Callable[[], Awaitable[bool]] = always,
    ) -> None:
        self._processor = processor
        self._pool = pool
        self._on_commit = on_commit
        self._terms_run = terms_run
        self._wake = asyncio.Event()
        self._arrived: set[AggregateRef] = set()
        self._search: tuple[set[AggregateRef], int] = set(), 0
        self._unfinished: set[Queue] = set()
        self._pass_after = 0
        self._next_pass = 0.0

    def wake(self, arrived: Iterable[AggregateRef] = ()) -> None:
        """Poll now: these aggregates arrived."""
        self._arrived.update(arrived)
        self._wake.set()

    async def run(self) -> None:
        """Poll at start, after each `wake` and every second, until cancelled."""
        while True:
            delay = await self._guarded_poll()
            if delay:
                with suppress(TimeoutError):
                    async with asyncio.timeout(delay):
                        await self._wake.wait()

    async def poll(self) -> float:
        """Decide due submissions. Returns the seconds until the next poll, 0 if more may be due."""
        self._wake.clear()
        async with self._pool.acquire() as connection:
            overdue = await due_deferrals.overdue(connection)
        terms_run = not overdue or await self._terms_run()
        async with self._pool.acquire() as connection:
            due = await self._due(connection, terms_run)
        queues = list(dict.fromkeys([*(overdue if terms_run else ()), *due]))
        decided = 0
        for start in range(0, len(queues), QUEUES_PER_TRANSACTION):
            decided += await self._process(queues[start : start + QUEUES_PER_TRANSACTION], terms_run)
        if decided:
            self._on_commit(decided)
        return 0 if decided or self._arrived or self._search[0] else IDLE_SECONDS

    async def _due(self, connection: Connection, terms_run: bool) -> list[Queue]:
        found = list(self._unfinished)
        self._unfinished.clear()
        found += await self._search_arrived(connection)
        if monotonic() >= self._next_pass:
            due, self._pass_after = await due_deferrals.due_in_pass(connection, self._pass_after, terms_run)
            self._next_pass = monotonic() + IDLE_SECONDS
            found += due
        return found

    async def _search_arrived(self, connection: Connection) -> list[Queue]:
        """A page of the queues that wait for an aggregate that arrived."""
        refs, after = self._search
        if not refs:
            refs = {self._arrived.pop() for _ in range(min(len(self._arrived), REFS_PER_SEARCH))}
        if not refs:
            return []
        queues, last = await due_deferrals.needing(connection, refs, after)
        self._search = (set(), 0) if last is None else (refs, last)
        return queues

    async def _process(self, queues: Sequence[Queue], terms_run: bool) -> int:
        async with self._pool.acquire() as connection:
            queued = await deferrals.read(connection, queues)
        return await self._process_rows(queued, terms_run) if queued else 0

    async def _process_rows(self, queued: Sequence[DeferredSubmission], terms_run: bool) -> int:
        """Decide in one transaction, or the heads one by one when that fails. Returns the number of final answers."""
        try:
            return await self._decide(queued, terms_run)
        except TRANSIENT:
            raise
        except Exception as error:
            if len(queued) == 1:
                log.exception("processing a deferred submission fails", number=queued[0].number, exc_info=error)
                return await self._quarantine(queued[0], repr(error))
        heads: dict[Queue, DeferredSubmission] = {}
        for each in queued:
            heads.setdefault(each.queue, each)
        return sum([await self._process_rows([each], terms_run) for each in heads.values()])

    async def _decide(self, queued: Sequence[DeferredSubmission], terms_run: bool) -> int:
        failpoints.reached("deferral-worker.begin")
        async with self._pool.acquire() as connection, connection.transaction():
            final = await self._processor.process_deferred(connection, queued, terms_run=terms_run)
            failpoints.reached("deferral-worker.commit")
        self._continue_behind(final)
        return len(final)

    async def _quarantine(self, queued: DeferredSubmission, error: str) -> int:
        """Returns 0 if quarantining fails too: the submission then blocks only its own queue."""
        try:
            failpoints.reached("deferral-worker.quarantine")
            async with self._pool.acquire() as connection, connection.transaction():
                is_quarantined = await self._processor.quarantine_deferred(connection, queued, error)
                failpoints.reached("deferral-worker.quarantine-commit")
        except TRANSIENT:
            raise
        except Exception as second:
            log.exception("deferred submission cannot be quarantined", number=queued.number, exc_info=second)
            return 0
        if is_quarantined:
            self._continue_behind([queued])
        return int(is_quarantined)

    def _continue_behind(self, left: Iterable[DeferredSubmission]) -> None:
        """Poll again for the deferrals behind these: in the same queue, or about the same aggregate."""
        for each in left:
            self._unfinished.add(each.queue)
            self._arrived.update(each.aggregate_refs)

    async def _guarded_poll(self) -> float:
        try:
            return await self.poll()
        except TRANSIENT as error:
            log.warning("deferral worker interrupted", error=error)
            return PAUSE_SECONDS
