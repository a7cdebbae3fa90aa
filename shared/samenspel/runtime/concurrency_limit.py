"""Limit on concurrent requests per organisation, so that one organisation cannot delay the others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass


class ConcurrencyLimitReached(Exception):
    """No slot became free for this organisation within the timeout."""


@dataclass(slots=True)
class _Slots:
    semaphore: asyncio.Semaphore
    users: int = 0


class ConcurrencyLimit:
    """At most ``per_organisation`` requests of one organisation run at a time; further requests wait for a slot."""

    def __init__(self, per_organisation: int) -> None:
        self._per_organisation = per_organisation
        self._slots: dict[str, _Slots] = {}

    @asynccontextmanager
    async def slot(self, organisation: str, timeout_seconds: float) -> AsyncIterator[None]:
        """Hold one slot of ``organisation``. Raises `ConcurrencyLimitReached` after ``timeout_seconds``."""
        slots = self._slots.setdefault(organisation, _Slots(asyncio.Semaphore(self._per_organisation)))
        slots.users += 1
        try:
            try:
                await asyncio.wait_for(slots.semaphore.acquire(), timeout_seconds)
            except TimeoutError:
                raise ConcurrencyLimitReached(
                    "this organisation has too many concurrent requests: wait for their responses"
                ) from None
            try:
                yield
            finally:
                slots.semaphore.release()
        finally:
            slots.users -= 1
            if not slots.users:
                del self._slots[organisation]
