"""Long loops that let other tasks go on."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Final, TypeVar

T = TypeVar("T")


ITEMS_PER_YIELD: Final = 20
"""Submissions or events that are handled in one go, before what is being written gets its turn."""


async def yielding(items: Iterable[T]) -> AsyncIterator[T]:
    """The same items; between some of them whatever else has come to something goes on."""
    for number, item in enumerate(items):
        if number % ITEMS_PER_YIELD == 0:
            await asyncio.sleep(0)
        yield item
