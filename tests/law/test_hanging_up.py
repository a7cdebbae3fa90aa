"""A pool that is hung up on keeps nobody waiting, and is as good as new: this rests on asyncpg's insides."""

import asyncio

import pytest
from samenspel.messaging.errors import TRANSIENT
from samenspel.runtime.postgres import terminate_connections

from tests.kit.waiting import eventually
from tests.law.rooms import Room

pytestmark = pytest.mark.system

SLEEPING = "select count(*) from pg_stat_activity where query like 'select pg_sleep%' and state = 'active'"


async def _sleep(room: Room) -> None:
    async with room.pool.acquire() as connection, connection.transaction():
        await connection.execute("select pg_sleep(60)")


async def test_whoever_waits_fails_at_once_and_the_next_question_is_answered(registry: Room) -> None:
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
