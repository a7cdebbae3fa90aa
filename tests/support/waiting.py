"""Waiting for a condition instead of for a time."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")

PAUSE = 0.03


@overload
async def eventually(condition: Callable[[], Awaitable[T]], seconds: float = 20, saying: str = "") -> T: ...
@overload
async def eventually(condition: Callable[[], T], seconds: float = 20, saying: str = "") -> T: ...
async def eventually(condition: Callable[[], Any], seconds: float = 20, saying: str = "") -> Any:
    """Poll until ``condition`` gives a true value, and return the value.

    An `AssertionError` inside the condition means *not yet*; the last error is raised after the time limit.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            found = condition()
            if inspect.isawaitable(found):
                found = await found
            failure = AssertionError(f"{saying or 'it'} did not happen within {seconds:g} s; last: {found!r}")
            if found:
                return found
        except AssertionError as error:
            failure = error
        if time.monotonic() > deadline:
            raise failure
        await asyncio.sleep(PAUSE)
