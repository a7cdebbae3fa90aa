"""Turns: however many requests one organisation sends at once, the others are not behind all of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass


class ConcurrencyLimitReached(Exception):
    """This organisation has too many requests waiting."""


@dataclass(slots=True)
class _Places:
    free: asyncio.Semaphore
    users: int = 0


class ConcurrencyLimit:
    """At most ``at_once`` of each organisation's requests go on; the rest of them wait for their own."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._places: dict[str, _Places] = {}

    @asynccontextmanager
    async def slot(self, organisation: str, within: float) -> AsyncIterator[None]:
        """Raises `NoTurn` when there was none within so many seconds."""
        places = self._places.setdefault(organisation, _Places(asyncio.Semaphore(self._at_once)))
        places.users += 1
        try:
            try:
                await asyncio.wait_for(places.free.acquire(), within)
            except TimeoutError:
                raise ConcurrencyLimitReached(
                    "this organisation has too many requests going on: wait for their answers"
                ) from None
            try:
                yield
            finally:
                places.free.release()
        finally:
            places.users -= 1
            if not places.users:
                del self._places[organisation]
