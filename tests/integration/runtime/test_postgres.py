"""The connection pool: refuses a server without durability; terminating connections frees every waiting task."""

import asyncio
from urllib.parse import urlsplit

import pytest
from samenspel.messaging.errors import TRANSIENT
from samenspel.runtime.postgres import NotDurable, create_pool, terminate_connections

from tests.support.service_schema import Room
from tests.support.waiting import eventually


async def test_server_that_is_not_durable_is_refused(server: str) -> None:
    with pytest.raises(NotDurable, match="synchronous_commit"):
        taken = await create_pool(f"{server}?synchronous_commit=off", urlsplit(server).password or "", "tests-law", 2)
        taken.terminate()


SLEEPING = "select count(*) from pg_stat_activity where query like 'select pg_sleep%' and state = 'active'"


async def _sleep(room: Room) -> None:
    async with room.pool.acquire() as connection, connection.transaction():
        await connection.execute("select pg_sleep(60)")


async def test_waiting_queries_fail_at_once_when_connections_are_terminated(registry: Room) -> None:
    places = registry.pool.get_max_size()
    waiting = [asyncio.create_task(_sleep(registry)) for _ in range(places - 1)]

    async def all_sleep() -> bool:
        return bool(await registry.pool.fetchval(SLEEPING) == places - 1)

    await eventually(all_sleep, 30)
    terminate_connections(registry.pool)
    for each in waiting:
        with pytest.raises(TRANSIENT):
            await each
    assert await asyncio.gather(*(registry.pool.fetchval("select 1") for _ in range(places))) == [1] * places
