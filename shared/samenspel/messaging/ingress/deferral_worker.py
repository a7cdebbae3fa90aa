"""The deferral worker: decides deferred submissions after the missing aggregate arrived or the term expired.

The condition is polled: after each commit of applied events, and every second.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import structlog

from samenspel.messaging.decisions.processor import SubmissionProcessor
from samenspel.messaging.errors import TRANSIENT
from samenspel.messaging.inbox import deferrals
from samenspel.runtime import failpoints
from samenspel.runtime.postgres import Pool

log = structlog.get_logger()

IDLE_SECONDS: Final = 1.0
PAUSE_SECONDS: Final = 0.2


class DeferralWorker:
    """``on_commit`` is called after each commit and wakes the relay."""

    def __init__(self, processor: SubmissionProcessor, pool: Pool, on_commit: Callable[[int], None]) -> None:
        self._processor = processor
        self._pool = pool
        self._on_commit = on_commit
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Poll now: events were applied."""
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
        """Decide all ready submissions. Returns the seconds until the next poll, 0 if any was decided."""
        self._wake.clear()
        async with self._pool.acquire() as connection:
            numbers = await deferrals.ready(connection)
        decided = 0
        for number in numbers:
            decided += await self._process(number)
        if decided:
            self._on_commit(decided)
        return 0 if decided else IDLE_SECONDS

    async def _process(self, number: int) -> bool:
        """Whether the submission was answered. Failed processing leads to quarantine."""
        try:
            return await self._decide(number)
        except TRANSIENT:
            raise
        except Exception as error:
            log.exception("processing a deferred submission fails", number=number, exc_info=error)
            return await self._quarantine(number, repr(error))

    async def _decide(self, number: int) -> bool:
        failpoints.reached("deferral-worker.begin")
        async with self._pool.acquire() as connection, connection.transaction():
            answer = await self._processor.process_deferred(connection, number)
            failpoints.reached("deferral-worker.commit")
        return answer is not None

    async def _quarantine(self, number: int, error: str) -> bool:
        """False if quarantining fails too: the submission then blocks only the own subject."""
        try:
            failpoints.reached("deferral-worker.quarantine")
            async with self._pool.acquire() as connection, connection.transaction():
                answer = await self._processor.quarantine_deferred(connection, number, error)
                failpoints.reached("deferral-worker.quarantine-commit")
        except TRANSIENT:
            raise
        except Exception as second:
            log.exception("deferred submission cannot be quarantined", number=number, exc_info=second)
            return False
        return answer is not None

    async def _guarded_poll(self) -> float:
        try:
            return await self.poll()
        except TRANSIENT as error:
            log.warning("deferral worker interrupted", error=repr(error))
            return PAUSE_SECONDS
