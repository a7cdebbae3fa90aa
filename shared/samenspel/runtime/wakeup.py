"""Wakeup: a signal inside one process that new work may have arrived."""

import asyncio
from contextlib import suppress


class WakeupTicket:
    """The next notification. Take the ticket before looking for work, so that no notification is missed."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        self._event.set()

    async def wait(self, seconds: float) -> bool:
        """Return at the notification, or after ``seconds``: whether there was a notification."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._event.wait(), seconds)
        return self._event.is_set()


class Wakeup:
    def __init__(self) -> None:
        self.next_ticket = WakeupTicket()

    def notify(self) -> None:
        ticket, self.next_ticket = self.next_ticket, WakeupTicket()
        ticket.set()
