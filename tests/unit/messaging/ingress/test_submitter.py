"""Submitting over HTTP: admission, retries after a lost race, and errors without stored results."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest
from samenspel.messaging.errors import Fenced, LaneNotReconciled
from samenspel.messaging.inbox.storage_budget import StorageBudget
from samenspel.messaging.ingress import submitter
from samenspel.messaging.ingress.submitter import NotAdmitted, Submitter
from samenspel.runtime.database_health import StorageFull
from samenspel.runtime.limits import STORED_BYTES, LimitReached

CITY = "00000099000000000344"


class Pool:
    """Connections with transactions without effect."""

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Any]:
        yield self

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        yield

    async def fetch(self, query: str, organisations: Sequence[str], *_: Any) -> list[Any]:
        """The storage budget of these organisations is used for another hour."""
        return [{"organisation": each, "seconds": 3_600.0} for each in organisations]


class Processor:
    """Raises these errors first, then answers."""

    decider = SimpleNamespace(domain="initiatives")

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.storage = StorageBudget()

    async def process(self, connection: object, incoming: Sequence[str]) -> list[Any]:
        if self.errors:
            raise self.errors.pop(0)
        return [SimpleNamespace(id=each, outcome="rejected" if each == "bad" else "accepted") for each in incoming]


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
    parts: Any = (processor, Pool(), log_reader, SimpleNamespace(closed_lanes=closed or {}), StorageFull())
    committed: list[int] = []
    made: Any = Submitter(*parts, committed.append)
    return SimpleNamespace(submit=made.submit, forget_lanes=made.forget_lanes, committed=committed, storage=parts[4])


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
