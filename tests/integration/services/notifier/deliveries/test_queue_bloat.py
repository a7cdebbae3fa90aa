"""The queue of deliveries after a mass of deliveries was opened and cancelled: autovacuum keeps the queue small."""

from collections.abc import AsyncIterator

import asyncpg
import orjson
import pytest_asyncio
from samenspel.runtime.postgres import Connection

from services.notifier.deliveries import queue
from services.notifier.store import subscriptions
from tests.support.notifier_schema import NotifierSchema
from tests.support.postgres import postgres_server
from tests.support.service_schema import room
from tests.support.waiting import eventually

PENDING, MANY, FEW = 10_000, 30_000, 1_500
"""Autovacuum with the settings of the server ignores fewer dead rows than a fifth of the table."""
FILL = """
insert into delivery (subscription_id, topic, lane, timeline, sequence, subject, due_at)
select $1, 'samenspel.initiatives', 0, 1, n, n::text, now() from generate_series(1, $2) n
"""
SIZE = "select pg_relation_size('delivery') + pg_indexes_size('delivery')"
DEAD = "select n_dead_tup from pg_stat_user_tables where relid = 'delivery'::regclass"
PAGES_MAX = 500
"""Pages that a claim of 32 deliveries visits: the index, the deliveries, and their events and subscriptions."""
EMPTY_CLAIM = "'{}', '{}', 32, 60, 'me', 24, '{}', '{}', 64, 512"


@pytest_asyncio.fixture
async def notifier() -> AsyncIterator[NotifierSchema]:
    """A notifier on a server of its own: transactions of other tests would keep dead rows.

    Autovacuum looks every second instead of every minute, and does not analyse, which would estimate dead rows.
    """
    with postgres_server() as server:
        admin = await asyncpg.connect(server)
        await admin.execute("alter system set autovacuum_naptime = '1s'")
        await admin.execute("select pg_reload_conf()")
        await admin.close()
        async with room(server, "notifier") as made:
            await made.pool.execute("alter table delivery set (autovacuum_analyze_threshold = 1000000000)")
            yield NotifierSchema(made)


async def test_queue_that_was_filled_and_cancelled_stays_small(notifier: NotifierSchema) -> None:
    pool = notifier.room.pool
    await pool.execute(FILL, (await notifier.subscribe()).subscription_id, PENDING)
    await pool.execute("vacuum analyze delivery")
    sizes = []
    for number in (MANY, MANY, MANY, MANY, FEW):
        await _fill_and_cancel(notifier, number)
        sizes.append(await pool.fetchval(SIZE))
        await eventually(lambda: _is_clean(notifier), 60, "autovacuum")
    assert max(sizes) <= 2 * sizes[0], "the room of dead rows is used again"
    async with pool.acquire() as connection:
        assert await _pages_of_claim(connection) < PAGES_MAX


async def _fill_and_cancel(notifier: NotifierSchema, number: int) -> None:
    cancelled = await notifier.subscribe()
    async with notifier.room.pool.acquire() as connection:
        await connection.execute(FILL, cancelled.subscription_id, number)
        async with connection.transaction():
            await subscriptions.deactivate(connection, cancelled)
        await connection.execute("select pg_stat_force_next_flush()")


async def _is_clean(notifier: NotifierSchema) -> bool:
    return bool(await notifier.room.pool.fetchval(DEAD) < FEW / 2)


async def _pages_of_claim(connection: Connection) -> int:
    prepared = await connection.prepare(queue.CLAIM)
    query = f"explain (analyze, buffers, format json) execute {prepared.get_name()}({EMPTY_CLAIM})"
    [explained] = orjson.loads(await connection.fetchval(query))
    return int(explained["Plan"]["Shared Hit Blocks"] + explained["Plan"]["Shared Read Blocks"])
