"""The storage budget: refusals and quarantined records count, the use decreases over a day, and nobody else waits."""

from dataclasses import replace
from typing import Any, Final

import pytest
from samenspel.contracts.topics import ingress
from samenspel.messaging.decisions.processor import SubmissionProcessor
from samenspel.messaging.inbox.answers import UnreadableSubmission
from samenspel.messaging.inbox.quarantine import QuarantinedRecord
from samenspel.messaging.inbox.storage_budget import DAY_SECONDS, StorageBudget
from samenspel.runtime.limits import STORED_BYTES, LimitReached

from tests.support.events import new_id
from tests.support.service_schema import OPERATOR, Room, changed, registered

CITY: Final = "00000099000000000344"
LIMIT: Final = 10_000
EARLIER: Final = "update storage_use set updated_at = updated_at - make_interval(secs => $1)"


@pytest.fixture
def budget() -> StorageBudget:
    return StorageBudget(LIMIT)


async def process(room: Room, budget: StorageBudget, *incoming: Any, quarantined: Any = ()) -> None:
    """Decide in one transaction, and look up the use of both organisations as after a commit."""
    decider: SubmissionProcessor = replace(room.processor(), storage=budget)
    async with room.pool.acquire() as connection, connection.transaction():
        await decider.process(connection, incoming, quarantined)
    await budget.look_up(room.pool, {OPERATOR, CITY})


def kept(organisation: str, size: int) -> QuarantinedRecord:
    return QuarantinedRecord(ingress("initiatives", organisation), 0, 1, 1, "unreadable-record", "", raw=bytes(size))


def unreadable(organisation: str) -> UnreadableSubmission:
    return UnreadableSubmission(organisation, "", "", [], "test")


async def use(room: Room, budget: StorageBudget) -> dict[str, float]:
    async with room.pool.acquire() as connection:
        return await budget.use(connection)


async def test_accepted_submission_costs_nothing_and_a_refused_one_its_answers(
    registry: Room, budget: StorageBudget
) -> None:
    await process(registry, budget, registered())
    assert await use(registry, budget) == {}
    await process(registry, budget, changed(new_id(), 1, "Anders"))
    [row] = await registry.rows(
        "select length(answer) as bytes from submission where convert_from(answer, 'UTF8') like '%rejected%'"
    )
    [(organisation, bytes_used)] = (await use(registry, budget)).items()
    assert organisation == OPERATOR
    assert 2 * row["bytes"] - 1 < bytes_used <= 2 * row["bytes"]
    assert budget.seconds_left(OPERATOR) == 0


async def test_repeat_of_a_refusal_costs_its_receipt_and_one_of_an_acceptance_nothing(
    registry: Room, budget: StorageBudget
) -> None:
    """Problems of 30 kB are sent again by a submission of a few bytes: each receipt has them."""
    accepted, refused = registered(), changed(new_id(), 1, "Anders")
    await process(registry, budget, accepted, refused)
    first = (await use(registry, budget))[OPERATOR]
    await process(registry, budget, accepted)
    assert (await use(registry, budget))[OPERATOR] == pytest.approx(first, abs=10)
    for _ in range(LIMIT // int(first) * 2 + 1):
        await process(registry, budget, refused)
    with pytest.raises(LimitReached):
        budget.require(OPERATOR)


async def test_flood_of_one_organisation_makes_that_organisation_wait_and_no_other(
    registry: Room, budget: StorageBudget
) -> None:
    await registry.open_lanes(CITY)
    await process(registry, budget, unreadable(CITY), quarantined=[kept(CITY, LIMIT // 2)])
    budget.require(CITY)
    await process(registry, budget, unreadable(CITY), unreadable(OPERATOR), quarantined=[kept(CITY, LIMIT)])
    with pytest.raises(LimitReached) as refusal:
        budget.require(CITY)
    budget.require(OPERATOR)
    assert refusal.value.limit is STORED_BYTES
    used = (await use(registry, budget))[CITY]
    assert refusal.value.retry_after_seconds == pytest.approx((used - LIMIT) / LIMIT * DAY_SECONDS, rel=0.01)


async def test_use_decreases_evenly_over_a_day(registry: Room, budget: StorageBudget) -> None:
    await registry.open_lanes(CITY)
    await process(registry, budget, quarantined=[kept(CITY, 2 * LIMIT)])
    assert budget.seconds_left(CITY) == pytest.approx(DAY_SECONDS, rel=0.01)
    await registry.pool.execute(EARLIER, DAY_SECONDS / 2)
    assert (await use(registry, budget))[CITY] == pytest.approx(1.5 * LIMIT, rel=0.01)
    await process(registry, budget, quarantined=[kept(CITY, LIMIT // 4)])
    assert (await use(registry, budget))[CITY] == pytest.approx(1.75 * LIMIT, rel=0.01)
    await registry.pool.execute(EARLIER, DAY_SECONDS)
    await budget.look_up(registry.pool, {CITY})
    budget.require(CITY)
    await registry.pool.execute(EARLIER, DAY_SECONDS)
    assert await use(registry, budget) == {}


async def test_charge_of_a_transaction_that_is_rolled_back_does_not_count(
    registry: Room, budget: StorageBudget
) -> None:
    await registry.open_lanes(CITY)
    with pytest.raises(ZeroDivisionError):
        async with registry.pool.acquire() as connection, connection.transaction():
            await budget.charge(connection, [], [kept(CITY, 2 * LIMIT)])
            raise ZeroDivisionError
    await budget.look_up(registry.pool, {CITY})
    budget.require(CITY)


async def test_unreachable_database_after_a_commit_is_no_error(registry: Room, budget: StorageBudget) -> None:
    class Unreachable:
        async def fetch(self, *_: object) -> list[Any]:
            raise ConnectionRefusedError

    await budget.look_up(Unreachable(), {CITY})  # type: ignore[arg-type]
    budget.require(CITY)
