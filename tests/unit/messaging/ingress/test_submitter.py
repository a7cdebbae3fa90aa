"""Submitting over HTTP: admission, retries after a lost race, and errors without stored results."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest
from samenspel.messaging.errors import Fenced, LaneDiverged, LaneNotReconciled
from samenspel.messaging.inbox.storage_budget import StorageBudget
from samenspel.messaging.ingress import submitter
from samenspel.messaging.ingress.submitter import NotAdmitted, Submitter
from samenspel.runtime.database_health import StorageFull
from samenspel.runtime.limits import STORED_BYTES, LimitReached

from tests.support.waiting import eventually

CITY = "00000099000000000344"
OTHER = "00000099000000000363"
FAILING_NOTHING: Mapping[str, Exception] = {}


class Pool:
    """Connections with transactions without effect, once ``may_begin`` is set."""

    def __init__(self) -> None:
        self.may_begin = asyncio.Event()
        self.may_begin.set()
        self.waiting = 0

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Any]:
        yield self

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        self.waiting += 1
        await self.may_begin.wait()
        yield

    async def fetch(self, query: str, organisations: Sequence[str], *_: Any) -> list[Any]:
        """The storage budget of these organisations is used for another hour."""
        return [{"organisation": each, "seconds": 3_600.0} for each in organisations]


class Processor:
    """Raises these errors first, then answers; ``failing`` are the errors of certain submissions."""

    decider = SimpleNamespace(domain="initiatives")

    def __init__(self, *errors: Exception, failing: Mapping[str, Exception] = FAILING_NOTHING) -> None:
        self.errors = list(errors)
        self.failing = failing
        self.storage = StorageBudget()
        self.processed: list[Sequence[str]] = []

    async def process(self, connection: object, incoming: Sequence[str], written: list[Any]) -> list[Any]:
        self.processed.append(incoming)
        for each in incoming:
            if each in self.failing:
                raise self.failing[each]
        if self.errors:
            raise self.errors.pop(0)
        return [SimpleNamespace(id=each, is_refusal=each == "bad") for each in incoming]


class LogReader:
    """Has the receipts topics of these organisations."""

    def __init__(self, *organisations: str) -> None:
        self.organisations = organisations
        self.asked: list[str] = []

    async def existing(self, topics: Iterable[str]) -> set[str]:
        self.asked += topics
        return {each for each in topics if each.endswith(self.organisations or ("nobody",))}


@pytest.fixture(autouse=True)
def no_lane_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ensure(connection: object, lanes: object) -> None: ...

    monkeypatch.setattr("samenspel.messaging.outbox.journal.ensure", ensure)


def submitter_with(processor: Processor, log_reader: LogReader, closed: dict[str, str] | None = None) -> Any:
    pool = Pool()
    parts: Any = (processor, pool, log_reader, SimpleNamespace(closed_lanes=closed or {}), StorageFull())
    committed: list[int] = []
    made: Any = Submitter(*parts, committed.append)
    return SimpleNamespace(
        submit=made.submit, forget_lanes=made.forget_lanes, committed=committed, storage=parts[4], pool=pool
    )


async def together(made: Any, *submissions: tuple[str, str]) -> list[Any]:
    """The answers, or the errors, of requests that are decided as one group."""
    made.pool.may_begin.clear()
    made.pool.waiting = 0
    first = asyncio.create_task(made.submit(OTHER, ["first"]))
    await eventually(lambda: made.pool.waiting)
    requests = [asyncio.create_task(made.submit(organisation, [each])) for organisation, each in submissions]
    for _ in range(3):
        await asyncio.sleep(0)
    made.pool.may_begin.set()
    await first
    return await asyncio.gather(*requests, return_exceptions=True)


def ids(answered: Sequence[Any]) -> list[str]:
    return [each.id for each in answered]


async def test_submission_of_an_organisation_without_receipts_topic_is_not_admitted() -> None:
    with pytest.raises(NotAdmitted):
        await submitter_with(Processor(), LogReader()).submit(CITY, ["one"])


async def test_receipts_topic_is_looked_up_once_and_again_after_a_restore() -> None:
    log_reader = LogReader(CITY)
    made = submitter_with(Processor(), log_reader)
    for _ in range(3):
        assert ids(await made.submit(CITY, ["one"])) == ["one"]
    assert len(log_reader.asked) == 1
    made.forget_lanes()
    await made.submit(CITY, ["one"])
    assert len(log_reader.asked) == 2


async def test_submission_that_lost_a_race_is_decided_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submitter, "RETRY_SECONDS", 0)
    processor = Processor(Fenced("another transaction"), LaneNotReconciled("not yet"))
    made = submitter_with(processor, LogReader(CITY))
    assert ids(await made.submit(CITY, ["one", "two"])) == ["one", "two"]
    assert made.committed[-1] == 2


async def test_submission_while_a_lane_is_closed_is_refused_at_once() -> None:
    made = submitter_with(Processor(LaneNotReconciled("closed")), LogReader(CITY), {"lane": "Kafka is ahead"})
    with pytest.raises(LaneNotReconciled):
        await made.submit(CITY, ["one"])


async def test_submission_that_a_full_disk_refuses_is_remembered_as_the_reason() -> None:
    made = submitter_with(Processor(asyncpg.DiskFullError("no space left")), LogReader(CITY))
    with pytest.raises(asyncpg.DiskFullError):
        await made.submit(CITY, ["one"])
    assert "no space left" in str(made.storage.reason)


async def test_organisation_above_its_storage_budget_waits_after_its_refusal_and_another_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(submitter, "REFUSE_SECONDS", 0)
    other = "00000099000000000363"
    made = submitter_with(Processor(), LogReader(CITY, other))
    for organisation in (CITY, other):
        assert ids(await made.submit(organisation, ["one"])) == ["one"]
    assert ids(await made.submit(CITY, ["bad"])) == ["bad"], "the answer is given before the organisation waits"
    with pytest.raises(LimitReached) as refusal:
        await made.submit(CITY, ["one"])
    assert refusal.value.limit is STORED_BYTES
    assert 3_500 < refusal.value.retry_after_seconds <= 3_600
    assert ids(await made.submit(other, ["one"])) == ["one"]


async def test_request_that_fails_its_group_is_decided_alone_and_gets_its_own_error() -> None:
    processor = Processor(failing={"bad": ValueError("a defect"), "held": LaneDiverged({("lane", 1)}, [])})
    made = submitter_with(processor, LogReader(CITY, OTHER))
    bad, held, good = await together(made, (CITY, "bad"), (CITY, "held"), (OTHER, "good"))
    assert (type(bad), type(held), ids(good)) == (ValueError, LaneDiverged, ["good"])
    assert processor.processed[:2] == [["first"], ["bad", "good", "held"]]
    assert sorted(processor.processed[2:]) == [["bad"], ["good"], ["held"]]


async def test_organisation_whose_request_failed_is_decided_apart_for_a_while() -> None:
    """One that sends failing requests without end fails one group, not every group."""
    processor = Processor(failing={"bad": ValueError("a defect")})
    made = submitter_with(processor, LogReader(CITY, OTHER))
    await together(made, (CITY, "bad"), (OTHER, "good"))
    processor.processed.clear()
    bad, fine, one, two = await together(made, (CITY, "bad"), (CITY, "fine"), (OTHER, "one"), (OTHER, "two"))
    assert (type(bad), ids(fine), ids(one), ids(two)) == (ValueError, ["fine"], ["one"], ["two"])
    assert ["one", "two"] in processor.processed
    assert {("bad",), ("fine",)} < {tuple(each) for each in processor.processed}


async def test_request_after_its_deadline_is_not_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submitter, "SUBMIT_SECONDS_MAX", 0.01)
    processor = Processor()
    made = submitter_with(processor, LogReader(CITY, OTHER))
    made.pool.may_begin.clear()
    first = asyncio.create_task(made.submit(OTHER, ["first"]))
    await eventually(lambda: made.pool.waiting)
    with pytest.raises(TimeoutError):
        await made.submit(CITY, ["late"])
    made.pool.may_begin.set()
    assert ids(await first) == ["first"], "a transaction that has begun ends by itself"
    assert processor.processed == [["first"]]
