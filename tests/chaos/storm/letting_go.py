"""Stopping a Kafka client whose Kafka may be away."""

import asyncio
from collections.abc import Awaitable, Callable

STOP_SECONDS_MAX = 2.0


async def let_go(stop: Callable[[], Awaitable[None]]) -> None:
    """Call ``stop`` and forget the client, whatever comes of it.

    With Kafka away aiokafka's consumer lets the cancellation of its own fetch escape from ``stop``: that is not ours.
    """
    stopping = asyncio.ensure_future(stop())
    await asyncio.wait([stopping], timeout=STOP_SECONDS_MAX)
    if not stopping.cancel() and not stopping.cancelled():
        stopping.exception()  # seen, and forgotten
