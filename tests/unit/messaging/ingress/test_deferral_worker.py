"""The deferral worker without a database: a failing submission, a term that does not run, and arrived aggregates."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from samenspel.contracts.catalogue import AggregateRef
from samenspel.contracts.topics import FUNDING
from samenspel.messaging.inbox import deferrals, due_deferrals
from samenspel.messaging.inbox.deferrals import DeferredSubmission, Queue
from samenspel.messaging.ingress.deferral_worker import IDLE_SECONDS, REFS_PER_SEARCH, DeferralWorker
from structlog.testing import capture_logs

BROKEN = 2
ROW = {"type": "nl.samenspel.application-submitted.v1"}


class Connection:
    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        yield


class Pool:
    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        yield Connection()


def deferred(number: int) -> DeferredSubmission:
    return DeferredSubmission(number, Queue((FUNDING, 0), f"subject {number}", "organisation"), False, ROW)


class Queues:
    """Three deferrals in queues of their own, of which deciding one breaks; stands in for database and processor."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.waiting = {number: deferred(number) for number in (1, BROKEN, 3)}
        self.overdue_now: set[int] = set()
        self.in_pass = {1, BROKEN, 3}
        self.quarantined: list[int] = []
        self.sizes: list[int] = []
        self.searched: list[int] = []
        for name in ("overdue", "needing", "due_in_pass"):
            monkeypatch.setattr(due_deferrals, name, getattr(self, name))
        monkeypatch.setattr(deferrals, "read", self.read)

    def queues(self, numbers: Collection[int]) -> list[Queue]:
        return [each.queue for each in self.waiting.values() if each.number in numbers]

    async def overdue(self, _: Connection) -> list[Queue]:
        return self.queues(self.overdue_now)

    async def needing(
        self, _: Connection, arrived: Collection[AggregateRef], after: int
    ) -> tuple[list[Queue], int | None]:
        self.searched.append(len(arrived))
        return [], None

    async def due_in_pass(self, _: Connection, after: int, terms_run: bool) -> tuple[list[Queue], int]:
        return self.queues(self.in_pass), 0

    async def read(self, _: Connection, queues: Sequence[Queue]) -> list[DeferredSubmission]:
        return [each for each in self.waiting.values() if each.queue in queues]

    async def process_deferred(
        self, _: Connection, queued: Sequence[DeferredSubmission], *, terms_run: bool
    ) -> Sequence[DeferredSubmission]:
        self.sizes.append(len(queued))
        if BROKEN in {each.number for each in queued}:
            raise ZeroDivisionError
        for each in queued:
            del self.waiting[each.number]
        return queued

    async def quarantine_deferred(self, _: Connection, queued: DeferredSubmission, error: str) -> bool:
        del self.waiting[queued.number]
        self.quarantined.append(queued.number)
        return True


@pytest.fixture
def queues(monkeypatch: pytest.MonkeyPatch) -> Queues:
    return Queues(monkeypatch)


def worker(queues: Any, decided: list[int], terms_run: bool = True) -> DeferralWorker:
    async def terms() -> bool:
        return terms_run

    pool: Any = Pool()
    return DeferralWorker(queues, pool, decided.append, terms)


async def test_failing_deferred_submission_does_not_block_the_others(queues: Queues) -> None:
    decided: list[int] = []
    with capture_logs():
        assert await worker(queues, decided).poll() == 0
    assert (queues.waiting, queues.quarantined, decided) == ({}, [BROKEN], [3])
    assert queues.sizes == [3, 1, 1, 1]


async def test_due_submissions_are_decided_in_one_transaction(queues: Queues) -> None:
    del queues.waiting[BROKEN]
    deferral_worker = worker(queues, [])
    assert await deferral_worker.poll() == 0
    assert queues.sizes == [2]
    assert await deferral_worker.poll() == IDLE_SECONDS


async def test_passed_deadline_does_not_count_while_terms_do_not_run(queues: Queues) -> None:
    queues.overdue_now, queues.in_pass = {1}, set()
    assert await worker(queues, [], terms_run=False).poll() == IDLE_SECONDS
    assert queues.sizes == []
    assert await worker(queues, []).poll() == 0
    assert 1 not in queues.waiting


async def test_arrived_aggregates_are_searched_in_parts(queues: Queues) -> None:
    queues.in_pass = set()
    deferral_worker = worker(queues, [])
    deferral_worker.wake(("organisation.v1", str(number)) for number in range(REFS_PER_SEARCH + 1))
    assert await deferral_worker.poll() == 0
    assert await deferral_worker.poll() == IDLE_SECONDS
    assert queues.searched == [REFS_PER_SEARCH, 1]
