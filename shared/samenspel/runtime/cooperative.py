"""Long loops that let other tasks go on."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Final, TypeVar

T = TypeVar("T")


BREATH: Final = 20
"""Submissions or events that are handled in one go, before what is being written gets its turn."""


async def breathing(items: Iterable[T]) -> AsyncIterator[T]:
    """The same items; between some of them whatever else has come to something goes on."""
    for number, item in enumerate(items):
        if number % BREATH == 0:
            await asyncio.sleep(0)
        yield item
