"""The pool gives the requests of one organisation a share of its connections, and its own work what it needs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from samenspel.runtime import postgres
from samenspel.runtime.limits import DATABASE_CONNECTIONS, LimitReached, acting_organisation
from samenspel.runtime.postgres import OWN_CONNECTIONS, Pool, create_pool

from tests.support.waiting import eventually

CONNECTIONS = 6 + OWN_CONNECTIONS


@pytest_asyncio.fixture
async def pool(server: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pool]:
    monkeypatch.setattr(postgres, "SHARE_SECONDS_MAX", 0.05)
    made = await create_pool(server, urlsplit(server).password or "", "tests-share", CONNECTIONS)
    yield made
    made.terminate()


class Requests:
    """Requests that each hold a connection until the end of the test."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._end = asyncio.Event()
        self.held: list[str | None] = []
        self.refused: list[LimitReached] = []
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, organisation: str | None, number: int) -> None:
        self._tasks += [asyncio.create_task(self._hold(organisation)) for _ in range(number)]

    async def _hold(self, organisation: str | None) -> None:
        acting_organisation.set(organisation)
        try:
            async with self._pool.acquire() as connection:
                assert await connection.fetchval("select 1") == 1
                self.held.append(organisation)
                await self._end.wait()
        except LimitReached as refusal:
            self.refused.append(refusal)

    async def end(self) -> None:
        self._end.set()
        await asyncio.gather(*self._tasks)


@asynccontextmanager
async def requests(pool: Pool) -> AsyncIterator[Requests]:
    made = Requests(pool)
    try:
        yield made
    finally:
        await made.end()


async def test_connections_cannot_all_be_held_by_two_organisations(pool: Pool) -> None:
    async with requests(pool) as holding:
        holding.start("one", 16)
        await eventually(lambda: len(holding.refused) == 13)
        holding.start("two", 16)
        await eventually(lambda: len(holding.refused) == 28)
        assert (holding.held.count("one"), holding.held.count("two")) == (3, 1)
        holding.start("three", 1)
        holding.start(None, OWN_CONNECTIONS)
        await eventually(lambda: "three" in holding.held and holding.held.count(None) == OWN_CONNECTIONS)
        assert {each.limit for each in holding.refused} == {DATABASE_CONNECTIONS}
    assert pool.share.use() == {}  # type: ignore[attr-defined]  # of FairPool


async def test_every_way_to_use_the_pool_is_counted(pool: Pool) -> None:
    async with requests(pool) as holding:
        holding.start("one", 3)
        await eventually(lambda: len(holding.held) == 3)
        acting_organisation.set("one")
        for method in (pool.fetch, pool.fetchrow, pool.fetchval, pool.execute):
            with pytest.raises(LimitReached):
                await method("select 1")
        acting_organisation.set("two")
        assert await pool.fetchval("select 1") == 1
    acting_organisation.set(None)
