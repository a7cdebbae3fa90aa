"""Limits on concurrency per organisation, so that one organisation cannot delay the others."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from samenspel.runtime.limits import Limit, LimitReached
from samenspel.runtime.open_streams import OpenStream

REFUSALS_PER_SECOND: Final = 20
"""Refusals of one organisation when many of its users wait: a refusal costs as much time as a small answer."""
CROWDED_SECONDS_MAX: Final = 60.0
"""Longest wait of many users; below the time within which a request is answered (`ANSWER_SECONDS_MAX`)."""


@dataclass(slots=True)
class _Slots:
    semaphore: asyncio.Semaphore
    users: int = 0


class ConcurrencyLimit:
    """At most ``value`` slots of one organisation are in use; further users wait in order, for ``wait_seconds``.

    The wait also bounds the rate of refusals: a client that ignores ``Retry-After`` cannot loop. Many users of one
    organisation wait longer, so that they get `REFUSALS_PER_SECOND` together.
    """

    def __init__(self, limit: Limit, value: int, wait_seconds: float) -> None:
        self._limit = limit
        self._value = value
        self._wait_seconds = wait_seconds
        self._slots: dict[str, _Slots] = {}

    @asynccontextmanager
    async def slot(self, organisation: str, client: OpenStream | None = None) -> AsyncIterator[None]:
        """Hold one slot of ``organisation``. Raises `LimitReached` when no slot becomes free in time.

        The wait ends, with the same error, when ``client`` leaves.
        """
        slots = self._slots.setdefault(organisation, _Slots(asyncio.Semaphore(self._value)))
        slots.users += 1
        try:
            await self._acquire(organisation, slots, client or OpenStream())
            try:
                yield
            finally:
                slots.semaphore.release()
        finally:
            slots.users -= 1
            if not slots.users:
                del self._slots[organisation]

    def use(self) -> dict[str, int]:
        """Slots in use and users that wait, by organisation."""
        return {organisation: slots.users for organisation, slots in self._slots.items()}

    async def _acquire(self, organisation: str, slots: _Slots, client: OpenStream) -> None:
        if not slots.semaphore.locked():
            await slots.semaphore.acquire()
            return
        seconds = max(self._wait_seconds, min(slots.users / REFUSALS_PER_SECOND, CROWDED_SECONDS_MAX))
        acquiring = asyncio.ensure_future(slots.semaphore.acquire())
        client.enter_queue(organisation, acquiring.cancel)
        try:
            await asyncio.wait({acquiring}, timeout=seconds)
        except asyncio.CancelledError:
            if _is_acquired(acquiring):
                slots.semaphore.release()
            raise
        finally:
            client.end_queue()
            is_acquired = _is_acquired(acquiring)
            acquiring.cancel()
        if not is_acquired:
            raise LimitReached(self._limit, organisation, self._value, seconds)


def _is_acquired(acquiring: "asyncio.Task[Any]") -> bool:
    return acquiring.done() and not acquiring.cancelled()


class FairShare:
    """``total`` slots, distributed fairly: a free slot goes to the waiting organisation that holds the fewest slots.

    An organisation that holds a slot gets another slot only up to ``percent`` of the slots that it holds and that are
    free. So a few organisations together cannot hold all slots.
    """

    def __init__(self, limit: Limit, total: int, percent: int, wait_seconds: float) -> None:
        self._limit = limit
        self._free = total
        self._percent = percent
        self._wait_seconds = wait_seconds
        self._held: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def slot(self, organisation: str) -> AsyncIterator[None]:
        """Hold one slot of ``organisation``. Raises `LimitReached` when no slot becomes free in time."""
        if self._may_take(organisation):
            self._take(organisation)
        else:
            await self._wait(organisation)
        try:
            yield
        finally:
            self._release(organisation)

    def use(self) -> dict[str, int]:
        """Slots in use, by organisation."""
        return dict(self._held)

    def _may_take(self, organisation: str) -> bool:
        held = self._held[organisation]
        return self._free > 0 and (not held or 100 * (held + 1) <= self._percent * (held + self._free))

    def _take(self, organisation: str) -> None:
        self._held[organisation] += 1
        self._free -= 1

    def _release(self, organisation: str) -> None:
        self._held[organisation] -= 1
        if not self._held[organisation]:
            del self._held[organisation]
        self._free += 1
        self._grant()

    async def _wait(self, organisation: str) -> None:
        granted = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(organisation, deque()).append(granted)
        try:
            await asyncio.wait_for(asyncio.shield(granted), self._wait_seconds)
        except BaseException as error:
            if granted.done():
                self._release(organisation)
            else:
                self._leave(organisation, granted)
            if isinstance(error, TimeoutError):
                raise LimitReached(self._limit, organisation, self._percent, self._wait_seconds) from None
            raise

    def _leave(self, organisation: str, granted: "asyncio.Future[None]") -> None:
        queue = self._waiting[organisation]
        queue.remove(granted)
        if not queue:
            del self._waiting[organisation]

    def _grant(self) -> None:
        while able := [each for each in self._waiting if self._may_take(each)]:
            organisation = min(able, key=lambda each: self._held[each])
            granted = self._waiting[organisation][0]
            self._leave(organisation, granted)
            self._take(organisation)
            granted.set_result(None)
