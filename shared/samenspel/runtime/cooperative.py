"""Cooperative loops: a long loop that regularly yields to other asyncio tasks."""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterable
from typing import Final, TypeVar

T = TypeVar("T")


ITEMS_PER_YIELD: Final = 20
"""Number of submissions or events that a loop handles before it yields to the task that writes to the database."""


SECONDS_PER_YIELD: Final = 0.01
"""Seconds after which a loop yields earlier: some items take a thousand times as long as others."""


async def yielding(items: Iterable[T]) -> AsyncGenerator[T]:
    """Iterate over ``items``; yield to the event loop every `ITEMS_PER_YIELD` items or `SECONDS_PER_YIELD`."""
    began = 0.0
    for number, item in enumerate(items):
        if number % ITEMS_PER_YIELD == 0 or time.monotonic() - began > SECONDS_PER_YIELD:
            await asyncio.sleep(0)
            began = time.monotonic()
        yield item
