"""Search for deferrals to decide: by aggregate, by deadline, and in pages over all."""

import pytest
from samenspel.contracts.submissions import Submission
from samenspel.messaging.inbox import due_deferrals
from samenspel.messaging.inbox.deferrals import Queue

from tests.support.deciders import FACT, Referring, arrive
from tests.support.service_schema import OPERATOR, Room, changed, registered

OTHER = "organisation.v1", "00000099000000000888"
EXPIRE = "update deferral set deadline = now() - interval '1 second'"


@pytest.fixture
async def deferred(registry: Room, handlers: Referring) -> list[Submission]:
    """Three initiatives that wait for `FACT`, and behind the first its change."""
    stated = [registered() for _ in range(3)]
    await registry.settle(*stated, changed(stated[0].subject, 1, "Anders"), handlers=handlers)
    return stated


def queues_of(room: Room, submissions: list[Submission]) -> set[Queue]:
    lane_of = room.processor().lane_of
    return {Queue(lane_of(each), each.subject, each.organisation) for each in submissions}


async def test_queues_that_wait_for_an_aggregate_are_found_in_pages(
    registry: Room, deferred: list[Submission], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due_deferrals, "PAGE", 2)
    async with registry.pool.acquire() as connection:
        assert await due_deferrals.needing(connection, {OTHER}, 0) == ([], None)
        first, last = await due_deferrals.needing(connection, {FACT, OTHER}, 0)
        assert last is not None
        rest, end = await due_deferrals.needing(connection, {FACT, OTHER}, last)
    assert (len(first), end) == (2, None)
    assert {*first, *rest} == queues_of(registry, deferred)


async def test_queues_with_a_passed_deadline_are_found(registry: Room, deferred: list[Submission]) -> None:
    await registry.pool.execute(f"{EXPIRE} where id = $1", deferred[1].id)
    async with registry.pool.acquire() as connection:
        assert set(await due_deferrals.overdue(connection)) == queues_of(registry, deferred[1:2])


async def test_pass_finds_due_queues_page_by_page(
    registry: Room, deferred: list[Submission], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A follower is never due, and a passed deadline only while the terms run."""
    monkeypatch.setattr(due_deferrals, "SWEEP", 3)
    await registry.pool.execute(EXPIRE)
    async with registry.pool.acquire() as connection:
        assert (await due_deferrals.due_in_pass(connection, 0, False))[0] == []
        found, after = await due_deferrals.due_in_pass(connection, 0, True)
        assert set(found) == queues_of(registry, deferred)
        await registry.pool.execute("update deferral set deadline = now() + interval '1 hour'")
        await arrive(registry)
        assert set((await due_deferrals.due_in_pass(connection, 0, False))[0]) == queues_of(registry, deferred)
        assert await due_deferrals.due_in_pass(connection, after, False) == ([], 0)


async def test_deferrals_are_counted_per_organisation_up_to_the_limit(
    registry: Room, deferred: list[Submission]
) -> None:
    other = "00000099000000000344"
    await registry.pool.execute("update deferral set organisation = $1 where id = $2", other, deferred[2].id)
    async with registry.pool.acquire() as connection:
        assert await due_deferrals.count_by_organisation(connection, 10) == {OPERATOR: 3, other: 1}
        assert await due_deferrals.count_by_organisation(connection, 2) == {OPERATOR: 2, other: 1}
