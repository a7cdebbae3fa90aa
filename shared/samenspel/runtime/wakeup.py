"""A bell: tells those who wait, in this process, that there may be something new."""

import asyncio
from contextlib import suppress


class WakeupTicket:
    """The next time that the bell rings; to be taken before looking, so that no ring is missed."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def set(self) -> None:
        self._rung.set()

    async def wait(self, seconds: float) -> None:
        """Return at the ring, or after so many seconds without one."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._rung.wait(), seconds)


class Wakeup:
    def __init__(self) -> None:
        self.next_ticket = WakeupTicket()

    def notify(self) -> None:
        rung, self.next_ticket = self.next_ticket, WakeupTicket()
        rung.set()
