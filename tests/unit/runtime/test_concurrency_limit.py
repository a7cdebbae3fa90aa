"""Waiting requests of an organisation do not delay the requests of another organisation."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samenspel.runtime import concurrency_limit
from samenspel.runtime.concurrency_limit import ConcurrencyLimit, FairShare
from samenspel.runtime.limits import DATABASE_CONNECTIONS, HTTP_REQUESTS, LimitReached
from samenspel.runtime.open_streams import OpenStream

from tests.support.waiting import eventually

AT_ONCE = 4
PATIENT, IMPATIENT = 30.0, 0.01


def slots(value: int = AT_ONCE, seconds: float = PATIENT) -> ConcurrencyLimit:
    return ConcurrencyLimit(HTTP_REQUESTS, value, seconds)


def share(total: int, percent: int = 50, seconds: float = PATIENT) -> FairShare:
    return FairShare(DATABASE_CONNECTIONS, total, percent, seconds)


class Flood:
    """Tasks of one organisation; each holds a slot until released."""

    def __init__(self, limit: ConcurrencyLimit | FairShare, organisation: str, number: int) -> None:
        self._limit = limit
        self._organisation = organisation
        self._end = asyncio.Event()
        self.busy = self.most = 0
        self.tasks = [asyncio.create_task(self._work()) for _ in range(number)]

    async def _work(self) -> None:
        async with self._limit.slot(self._organisation):
            self.busy += 1
            self.most = max(self.most, self.busy)
            await self._end.wait()
            self.busy -= 1

    async def holds(self, number: int) -> None:
        await eventually(lambda: self.busy == number)

    async def end(self) -> None:
        self._end.set()
        await asyncio.gather(*self.tasks)


@asynccontextmanager
async def flooding(limit: ConcurrencyLimit | FairShare, organisation: str, number: int) -> AsyncIterator[Flood]:
    flood = Flood(limit, organisation, number)
    try:
        yield flood
    finally:
        await flood.end()


async def test_concurrency_limit_applies_per_organisation() -> None:
    limit = slots()
    async with flooding(limit, "one", 100) as flood:
        await flood.holds(AT_ONCE)
        async with limit.slot("another"):
            pass
        assert limit.use() == {"one": 100}
    assert flood.most == AT_ONCE
    assert limit.use() == {}, "an organisation without requests is forgotten"


async def test_user_without_a_slot_in_time_is_refused_with_the_limit() -> None:
    limit = slots(1, IMPATIENT)
    async with limit.slot("one"):
        with pytest.raises(LimitReached) as refusal:
            await _enter(limit.slot("one"))
        async with limit.slot("another"):
            pass
    assert (refusal.value.limit, refusal.value.organisation) == (HTTP_REQUESTS, "one")
    assert refusal.value.problem.code == "limit-reached"
    assert "1" in refusal.value.problem.detail
    async with limit.slot("one"):
        pass


async def test_organisation_holds_half_of_a_share_and_another_gets_the_next_slot() -> None:
    limit = share(8)
    async with flooding(limit, "one", 20) as flood:
        await flood.holds(4)
        async with limit.slot("another"):
            pass
        assert flood.most == 4


async def test_slots_cannot_all_be_held_by_two_organisations() -> None:
    limit = share(6)
    async with flooding(limit, "one", 20) as one, flooding(limit, "two", 20) as two:
        await one.holds(3)
        await two.holds(1)
        async with limit.slot("three"):
            pass
        assert (one.most, two.most) == (3, 1)


async def test_free_slot_goes_to_the_organisation_that_holds_the_fewest() -> None:
    limit = share(2, percent=100)
    first = await _held(limit, "one")
    second = await _held(limit, "two")
    waiting = [asyncio.create_task(_held(limit, name)) for name in ("one", "one", "three")]
    await eventually(lambda: sum(map(len, limit._waiting.values())) == 3)
    second.close()
    await eventually(lambda: waiting[2].done())
    assert not waiting[0].done(), "organisation one holds a slot already"
    for held in (first, waiting[2].result()):
        held.close()
    for task in waiting[:2]:
        (await task).close()
    assert limit.use() == {}


async def test_organisation_that_gives_up_waiting_leaves_no_slot_held() -> None:
    limit = share(1, seconds=IMPATIENT)
    held = await _held(limit, "one")
    for _ in range(2):
        with pytest.raises(LimitReached):
            await _enter(limit.slot("two"))
    cancelled = asyncio.create_task(_held(limit, "three"))
    await asyncio.sleep(0)
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    held.close()
    assert (limit.use(), limit._waiting) == ({}, {})
    (await _held(limit, "two")).close()


@given(st.lists(st.sampled_from("abcde"), max_size=60), st.integers(1, 12), st.integers(1, 100))
async def test_share_never_gives_more_slots_than_there_are(names: list[str], total: int, percent: int) -> None:
    """Every organisation with a request gets a slot in the end, and none holds more than the share allows."""
    limit = share(total, percent)
    served: list[str] = []

    async def use(name: str) -> None:
        async with limit.slot(name):
            held = limit.use()
            assert sum(held.values()) <= total
            assert held[name] == 1 or 100 * held[name] <= percent * total
            await asyncio.sleep(0)
            served.append(name)

    await asyncio.gather(*map(use, names))
    assert sorted(served) == sorted(names)
    assert limit.use() == {}


async def _enter(slot: AbstractAsyncContextManager[None]) -> None:
    async with slot:
        raise AssertionError("a slot was free")


async def _held(limit: FairShare, organisation: str) -> ExitStack:
    """A held slot; `close` releases the slot."""
    if limit._may_take(organisation):
        limit._take(organisation)
    else:
        await limit._wait(organisation)
    stack = ExitStack()
    stack.enter_context(_released(limit, organisation))
    return stack


@contextmanager
def _released(limit: Any, organisation: str) -> Iterator[None]:
    yield
    limit._release(organisation)


async def test_wait_ends_when_the_client_leaves() -> None:
    """Else a client that asks and leaves, again and again, fills the memory with requests that wait."""
    limit, client = slots(1), OpenStream()
    async with flooding(limit, "one", 1) as flood:
        await flood.holds(1)

        async def wait() -> None:
            async with limit.slot("one", client):
                raise AssertionError("the slot is taken")

        waiting = asyncio.create_task(wait())
        await eventually(lambda: client.queue == "one")
        client.leave_queue()
        async with asyncio.timeout(PATIENT / 10):
            with pytest.raises(LimitReached):
                await waiting
        assert (client.queue, limit.use()) == (None, {"one": 1})
    assert limit.use() == {}
    async with limit.slot("one"):
        pass


async def test_many_users_of_one_organisation_wait_longer_and_another_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(concurrency_limit, "REFUSALS_PER_SECOND", 1_000)
    limit = slots(1, IMPATIENT)
    async with flooding(limit, "one", 1) as flood:
        await flood.holds(1)
        refusals = await asyncio.gather(*(_refusal(limit) for _ in range(100)))
    waits = [refusal.retry_after_seconds for refusal in refusals]
    assert waits == [max(IMPATIENT, users / 1_000) for users in range(2, 102)]


async def _refusal(limit: ConcurrencyLimit) -> LimitReached:
    with pytest.raises(LimitReached) as caught:
        async with limit.slot("one"):
            raise AssertionError("the slot is taken")
    return caught.value
