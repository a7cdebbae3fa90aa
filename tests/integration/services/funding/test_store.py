"""SQL of funding: no writer can grant more than a ceiling, and the initiative of a private plan is found."""

from collections import Counter
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from services.funding import store
from tests.support.service_schema import Room, room

CEILING = 1_000
APPLICATION = """
insert into aggregate (aggregate, subject, topic, lane, value, hash, private)
values ('application.v1', $1, 'samenspel.funding', 0, '{}', sha256(''), $2)
"""
INITIATIVE = """
insert into projection (aggregate, subject, topic, lane, value, hash)
values ('initiative.v1', $1, 'samenspel.initiatives', 0, '{}', sha256(''))
"""


@pytest_asyncio.fixture(scope="module")
async def funding(server: str) -> AsyncIterator[Room]:
    async with room(server, "funding") as made:
        async with made.pool.acquire() as connection:
            await store.open_budgets(connection, {"programme": CEILING})
        yield made


async def test_budget_grants_to_the_cent_and_never_beyond(funding: Room) -> None:
    async with funding.pool.acquire() as connection:
        trial = connection.transaction()
        await trial.start()
        await store.commit_grants(connection, Counter(programme=CEILING))
        with pytest.raises(store.CeilingExceeded):
            await store.commit_grants(connection, Counter(programme=1))
        await trial.rollback()


async def test_no_sql_statement_can_exceed_a_ceiling(funding: Room) -> None:
    for cents in (CEILING + 1, -1):
        with pytest.raises(asyncpg.CheckViolationError):
            await funding.pool.execute("update budget set granted_cents = $1", cents)


async def test_registered_initiatives_of_undecided_applications_are_found(funding: Room) -> None:
    """By the plan, which is private: neither a decided application nor an unknown initiative counts."""
    plans = {"undecided": '{"initiative_id": "known"}', "early": '{"initiative_id": "unknown"}', "decided": None}
    for application, plan in plans.items():
        await funding.pool.execute(APPLICATION, application, plan and plan.encode())
    await funding.pool.execute(INITIATIVE, "known")
    async with funding.pool.acquire() as connection:
        assert await store.registered_initiatives(connection, set(plans)) == {"known"}
        assert await store.registered_initiatives(connection, {"early", "decided"}) == set()
        assert await store.registered_initiatives(connection, set()) == set()
