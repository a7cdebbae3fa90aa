"""Requests to, and stopping of, a Kafka client during an outage: the client swallows or leaks cancellations."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer

T = TypeVar("T")

STOP_SECONDS_MAX = 2.0
GONE_SECONDS_MAX = 60.0

_leaving: set[asyncio.Future[None]] = set()


async def let_go(client: Any) -> None:
    """Stop an aiokafka client and forget the client; a slow stop continues in the background."""
    stopping: asyncio.Future[None] = asyncio.ensure_future(_stop(client))
    _leaving.add(stopping)
    stopping.add_done_callback(_forget)
    await asyncio.wait([stopping], timeout=STOP_SECONDS_MAX)


async def _stop(client: Any) -> None:
    """Without Kafka a consumer leaks the cancellation of a fetch from ``stop``, with connections open."""
    try:
        await client.stop()
    finally:
        await (client._client if isinstance(client, AIOKafkaConsumer) else client.client).close()


def _forget(stopped: asyncio.Future[None]) -> None:
    _leaving.discard(stopped)
    if not stopped.cancelled():
        stopped.exception()  # seen, and forgotten


async def all_gone() -> None:
    """Wait until every stopped client has closed all connections."""
    if _leaving:
        await asyncio.wait(set(_leaving), timeout=GONE_SECONDS_MAX)


async def within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """The result of ``work``. Raises TimeoutError after the time limit or an internal cancellation."""
    working = asyncio.ensure_future(work)
    try:
        await asyncio.wait([working], timeout=seconds)
    finally:
        ended = working.done()
        working.cancel()
    if not ended or working.cancelled():
        raise TimeoutError
    return working.result()
