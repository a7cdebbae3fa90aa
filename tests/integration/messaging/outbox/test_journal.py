"""The lock of a lane: a client that stops while it holds the lock loses it."""

import asyncio

from samenspel.messaging.outbox import journal

from tests.support.service_schema import OPERATOR, outcomes, registered, room

LONGER_THAN_ANY_SECONDS = 20


async def test_who_stops_with_a_lane_locked_holds_nobody_up(server: str) -> None:
    """Its process sleeps, with the connection open: the server ends its transaction."""
    stated = registered()
    async with room(server, idle_in_transaction_session_timeout="300ms") as registry:
        await registry.open_lanes(OPERATOR)
        async with registry.pool.acquire() as stopped:
            await stopped.execute("begin")
            await journal.lock(stopped, {registry.processor().lane_of(stated)})  # and never asks for anything again
            async with asyncio.timeout(LONGER_THAN_ANY_SECONDS):
                assert outcomes(await registry.settle(stated)) == ["accepted"]
