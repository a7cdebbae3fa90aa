"""The lock of a lane: a client stopped while holding the lock loses the lock."""

import asyncio

from samenspel.messaging.outbox import journal

from tests.support.service_schema import OPERATOR, outcomes, registered, room

LONGER_THAN_ANY_SECONDS = 20


async def test_client_that_stops_with_a_locked_lane_loses_the_lock(server: str) -> None:
    """The client's process sleeps, with the connection open: PostgreSQL ends the transaction."""
    stated = registered()
    async with room(server, idle_in_transaction_session_timeout="300ms") as registry:
        await registry.open_lanes(OPERATOR)
        async with registry.pool.acquire() as stopped:
            await stopped.execute("begin")
            await journal.lock(stopped, {registry.processor().lane_of(stated)})  # and never asks for anything again
            async with asyncio.timeout(LONGER_THAN_ANY_SECONDS):
                assert outcomes(await registry.settle(stated)) == ["accepted"]
