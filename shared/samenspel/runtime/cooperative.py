"""Cooperative loops: a long loop that regularly yields to other asyncio tasks."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Final, TypeVar

T = TypeVar("T")


ITEMS_PER_YIELD: Final = 20
"""Number of submissions or events that a loop handles before it yields to the task that writes to the database."""


async def yielding(items: Iterable[T]) -> AsyncIterator[T]:
    """Iterate over ``items``; yield to the event loop before every `ITEMS_PER_YIELD` items."""
    for number, item in enumerate(items):
        if number % ITEMS_PER_YIELD == 0:
            await asyncio.sleep(0)
        yield item
