"""A deferred submission with failing processing holds up no other submission, and is quarantined."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from samenspel.messaging.inbox import deferrals
from samenspel.messaging.ingress.deferral_worker import IDLE_SECONDS, DeferralWorker

BROKEN = 2


class Connection:
    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        yield


class Pool:
    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        yield Connection()


class Desk:
    """Decides three deferred submissions, and fails on the second."""

    def __init__(self) -> None:
        self.queue = [1, BROKEN, 3]
        self.apart: list[int] = []

    async def ready(self, _: Connection) -> list[int]:
        return list(self.queue)

    async def process_deferred(self, _: Connection, number: int) -> int:
        if number == BROKEN:
            raise ZeroDivisionError
        self.queue.remove(number)
        return number

    async def quarantine_deferred(self, _: Connection, number: int, error: str) -> int:
        self.queue.remove(number)
        self.apart.append(number)
        return number


async def test_failing_deferred_submission_does_not_block_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    processor: Any = Desk()
    pool: Any = Pool()
    settled: list[int] = []
    monkeypatch.setattr(deferrals, "ready", processor.ready)
    deferral_worker = DeferralWorker(processor, pool, settled.append)
    assert await deferral_worker.poll() == 0
    assert (processor.queue, processor.apart, settled) == ([], [BROKEN], [3])
    assert await deferral_worker.poll() == IDLE_SECONDS
