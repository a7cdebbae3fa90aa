"""Stopping a Kafka client whose Kafka may be away."""

import asyncio
from collections.abc import Awaitable, Callable

STOP_SECONDS_MAX = 2.0


async def let_go(stop: Callable[[], Awaitable[None]]) -> None:
    """Call ``stop`` and forget the client, whatever comes of it.

    With Kafka away aiokafka's consumer lets the cancellation of its own fetch escape from ``stop``: that is not ours.
    """
    task = asyncio.current_task()
    try:
        await asyncio.wait_for(stop(), STOP_SECONDS_MAX)
    except Exception:
        return
    except asyncio.CancelledError:
        if task is None or task.cancelling():
            raise
