"""Requests that wait for a transaction share the next one; each gets its own answer, and none harms another."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import asyncpg
import pytest
from samenspel.messaging.errors import Fenced
from samenspel.messaging.ingress import submission_groups
from samenspel.messaging.ingress.submission_groups import (
    GROUP_BYTES_MAX,
    GROUP_SUBMISSIONS_MAX,
    SHARE_MAX,
    GroupFailed,
    QueuedRequest,
    RequestQueues,
    SubmissionGroups,
)
from samenspel.runtime.limits import acting_organisation

from tests.support.waiting import eventually

CITY, OTHER = "00000099000000000344", "00000099000000000363"
LONG = 60.0


class Transactions:
    """Commits of groups: each waits until it may end, and answers with the submission itself; ``bad`` fails."""

    def __init__(self, bad: Exception | None = None) -> None:
        self.begun: list[Sequence[Any]] = []
        self.acting: list[str | None] = []
        self.may_end = asyncio.Event()
        self._bad = bad

    async def commit(self, incoming: Sequence[Any]) -> list[Any]:
        self.begun.append(incoming)
        self.acting.append(acting_organisation.get())
        await self.may_end.wait()
        if self._bad is not None and "bad" in incoming:
            raise self._bad
        return [f"answer to {each}" for each in incoming]


class Requests:
    """Requests to the groups, as tasks."""

    def __init__(self, bad: Exception | None = None) -> None:
        self.transactions = Transactions(bad)
        self.groups = SubmissionGroups(self.transactions.commit)

    def send(self, organisation: str, *incoming: Any, size: int = 0, wait: float = LONG) -> "asyncio.Task[list[Any]]":
        return asyncio.create_task(self.groups.decide(organisation, incoming, size, wait))

    async def begun(self, number: int) -> None:
        await eventually(lambda: len(self.transactions.begun) == number)

    async def queued(self, number: int) -> None:
        await eventually(lambda: sum(map(len, self.groups._queues._queues.values())) == number)

    async def blocked(self) -> "asyncio.Task[list[Any]]":
        """A transaction with the submission ``first`` is in progress."""
        first = self.send(CITY, "first")
        await self.begun(1)
        return first


async def test_first_request_starts_at_once_and_alone() -> None:
    requests = Requests()
    requests.transactions.may_end.set()
    assert await requests.send(CITY, "one") == ["answer to one"]
    assert await requests.send(CITY, "two") == ["answer to two"]
    assert requests.transactions.begun == [["one"], ["two"]]


async def test_requests_that_wait_share_the_next_transaction_and_each_gets_its_own_answers() -> None:
    requests = Requests()
    first = await requests.blocked()
    others = [requests.send(CITY, "a", "b"), requests.send(OTHER, "c"), requests.send(CITY, "d")]
    await requests.queued(3)
    requests.transactions.may_end.set()
    assert await first == ["answer to first"]
    answers = [await each for each in others]
    assert answers == [["answer to a", "answer to b"], ["answer to c"], ["answer to d"]]
    assert requests.transactions.begun == [["first"], ["a", "b", "c", "d"]]


async def test_group_belongs_to_no_organisation() -> None:
    """A group must not use the connections of the organisation whose request happens to be the first."""
    acting_organisation.set(CITY)
    requests = Requests()
    requests.transactions.may_end.set()
    await requests.send(CITY, "one")
    assert requests.transactions.acting == [None]


@pytest.mark.parametrize("error", [ValueError("a defect"), Fenced("lost a race"), asyncpg.DeadlockDetectedError("x")])
async def test_request_that_fails_its_group_does_not_fail_the_others(error: Exception) -> None:
    """All are told to decide alone; an error of one request is no answer to another."""
    requests = Requests(error)
    first = await requests.blocked()
    others = [requests.send(CITY, "bad"), requests.send(OTHER, "good")]
    await requests.queued(2)
    requests.transactions.may_end.set()
    assert await first == ["answer to first"]
    for each in others:
        with pytest.raises(GroupFailed):
            await each
    with pytest.raises(type(error)):
        await requests.send(CITY, "bad")


async def test_unreachable_database_meets_every_request_of_a_group() -> None:
    requests = Requests(ConnectionRefusedError("gone"))
    first = await requests.blocked()
    others = [requests.send(CITY, "bad"), requests.send(OTHER, "good")]
    await requests.queued(2)
    requests.transactions.may_end.set()
    await first
    for each in others:
        with pytest.raises(ConnectionRefusedError):
            await each


async def test_request_of_a_client_that_left_is_left_out_or_committed_whole() -> None:
    requests = Requests()
    first = await requests.blocked()
    waiting, other = requests.send(CITY, "left", "out"), requests.send(OTHER, "stays")
    await requests.queued(2)
    for gone in (waiting, first):
        gone.cancel()
        with suppress(asyncio.CancelledError):
            await gone
    requests.transactions.may_end.set()
    assert await other == ["answer to stays"]
    assert requests.transactions.begun == [["first"], ["stays"]]


async def test_request_that_waits_too_long_is_left_out() -> None:
    requests = Requests()
    first = await requests.blocked()
    with pytest.raises(TimeoutError):
        await requests.send(CITY, "late", wait=0.01)
    requests.transactions.may_end.set()
    await first
    assert await requests.send(CITY, "next") == ["answer to next"]
    assert requests.transactions.begun == [["first"], ["next"]]


async def test_request_whose_transaction_has_begun_learns_the_outcome_after_its_time() -> None:
    requests = Requests()
    first = requests.send(CITY, "first", wait=0.0)
    await requests.begun(1)
    other = requests.send(CITY, "late", wait=0.0)
    with pytest.raises(TimeoutError):
        await other
    requests.transactions.may_end.set()
    assert await first == ["answer to first"]


async def test_transaction_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submission_groups, "GROUP_SECONDS_MAX", 0.01)
    requests = Requests()
    with pytest.raises(TimeoutError):
        await requests.send(CITY, "never")
    requests.transactions.may_end.set()
    assert await requests.send(CITY, "next") == ["answer to next"]


async def test_requests_of_a_service_that_stops_get_an_error() -> None:
    requests = Requests()
    first = await requests.blocked()
    await requests.groups.stop()
    with pytest.raises(GroupFailed):
        await first
    await requests.groups.stop()


def queued(*given: tuple[str, str, int], size: int = 0) -> RequestQueues:
    """Requests with a name and a number of submissions."""
    queues = RequestQueues()
    for organisation, name, number in given:
        queues.add(QueuedRequest(organisation, [name] * number, size, None))  # type: ignore[arg-type]  # nobody waits
    return queues


def names(group: Sequence[QueuedRequest]) -> list[Any]:
    return [each.incoming[0] for each in group]


def test_group_takes_requests_of_all_organisations_in_turns() -> None:
    flood = [(CITY, f"c{number}", 100) for number in range(4)]
    queues = queued(*flood, (OTHER, "o1", 1), (OTHER, "o2", 1))
    assert names(queues.next_group()) == ["c0", "o1", "o2", "c1"]
    assert names(queues.next_group()) == ["c2", "c3"]
    assert queues.next_group() == []


def test_organisation_has_a_share_of_a_group_while_others_wait_and_all_of_it_when_alone() -> None:
    half = SHARE_MAX // 2
    flood = [(CITY, f"c{number}", half) for number in range(4)]
    assert names(queued(*flood, (OTHER, "o", 1)).next_group()) == ["c0", "o", "c1"]
    assert names(queued(*flood).next_group()) == ["c0", "c1", "c2", "c3"]


def test_group_is_bounded_in_submissions_and_a_request_is_never_split() -> None:
    queues = queued((CITY, "large", 2 * GROUP_SUBMISSIONS_MAX), (OTHER, "next", GROUP_SUBMISSIONS_MAX))
    assert names(queues.next_group()) == ["large"]
    assert names(queues.next_group()) == ["next"]


def test_group_is_bounded_in_bytes() -> None:
    queues = queued((CITY, "a", 1), (OTHER, "b", 1), (CITY, "c", 1), size=GROUP_BYTES_MAX // 2)
    assert names(queues.next_group()) == ["a", "b"]
    assert names(queues.next_group()) == ["c"]


def test_request_does_not_overtake_an_earlier_one_of_its_organisation() -> None:
    queues = queued((OTHER, "o", 200), (CITY, "c1", 200), (CITY, "c2", 200), (CITY, "c3", 1))
    assert names(queues.next_group()) == ["o", "c1"]
    assert names(queues.next_group()) == ["c2", "c3"]


def test_organisation_that_found_no_room_comes_first_in_the_next_group() -> None:
    queues = queued((CITY, "c1", 400), (CITY, "c2", 400), (OTHER, "o1", 400))
    assert [names(queues.next_group()) for _ in range(3)] == [["c1"], ["o1"], ["c2"]]
