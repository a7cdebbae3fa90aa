"""The waker: decides what was waiting, when its fact is there or its time is over. A condition, polled."""

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
    """``settled`` is called after each commit."""

    def __init__(self, processor: SubmissionProcessor, pool: Pool, on_commit: Callable[[int], None]) -> None:
        self._processor = processor
        self._pool = pool
        self._on_commit = on_commit
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Facts have arrived: look now."""
        self._wake.set()

    async def run(self) -> None:
        """Look after each commit, at the start and every second, until cancelled."""
        while True:
            delay = await self._guarded_poll()
            if delay:
                with suppress(TimeoutError):
                    async with asyncio.timeout(delay):
                        await self._wake.wait()

    async def poll(self) -> float:
        """Decide everything that is ready; returns the seconds until the next look, 0 when more came of it."""
        self._wake.clear()
        async with self._pool.acquire() as connection:
            numbers = await deferrals.ready(connection)
        decided = 0
        for number in numbers:
            decided += await self._answered(number)
        if decided:
            self._on_commit(decided)
        return 0 if decided else IDLE_SECONDS

    async def _answered(self, number: int) -> bool:
        """Whether it was answered. One that breaks the deciding is set apart, and its queue goes on."""
        try:
            return await self._decide(number)
        except TRANSIENT:
            raise
        except Exception as error:
            log.exception("waiting submission breaks the deciding", number=number, exc_info=error)
            return await self._quarantine(number, repr(error))

    async def _decide(self, number: int) -> bool:
        failpoints.reached("waker.begin")
        async with self._pool.acquire() as connection, connection.transaction():
            answered = await self._processor.process_deferred(connection, number)
            failpoints.reached("waker.commit")
        return answered is not None

    async def _quarantine(self, number: int, error: str) -> bool:
        """False when even that breaks: it keeps its own subject waiting, and nobody else's."""
        try:
            failpoints.reached("waker.set-apart")
            async with self._pool.acquire() as connection, connection.transaction():
                answered = await self._processor.quarantine_deferred(connection, number, error)
                failpoints.reached("waker.set-apart-commit")
        except TRANSIENT:
            raise
        except Exception as worse:
            log.exception("waiting submission cannot be set apart", number=number, exc_info=worse)
            return False
        return answered is not None

    async def _guarded_poll(self) -> float:
        try:
            return await self.poll()
        except TRANSIENT as error:
            log.warning("waker interrupted", error=repr(error))
            return PAUSE_SECONDS
