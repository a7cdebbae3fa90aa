"""A programme's ceiling in the database: no writer can grant more than the ceiling."""

from collections import Counter
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from services.funding import store
from tests.support.service_schema import Room, room

CEILING = 1_000


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
