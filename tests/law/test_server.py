"""What the law asks of PostgreSQL: it keeps what it confirmed, and nobody who stops holds the others up."""

import asyncio
from urllib.parse import urlsplit

import pytest
from samenspel.messaging.outbox import journal
from samenspel.runtime.postgres import NotDurable, create_pool

from tests.law.rooms import OPERATOR, outcomes, registered, room

pytestmark = pytest.mark.system

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


async def test_a_server_that_forgets_what_it_confirmed_is_refused(server: str) -> None:
    with pytest.raises(NotDurable, match="synchronous_commit"):
        taken = await create_pool(f"{server}?synchronous_commit=off", urlsplit(server).password or "", "tests-law", 2)
        taken.terminate()
