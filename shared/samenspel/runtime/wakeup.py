"""A bell: tells those who wait, in this process, that there may be something new."""

import asyncio
from contextlib import suppress


class Ring:
    """The next time that the bell rings; to be taken before looking, so that no ring is missed."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def happen(self) -> None:
        self._rung.set()

    async def within(self, seconds: float) -> None:
        """Return at the ring, or after so many seconds without one."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._rung.wait(), seconds)


class Bell:
    def __init__(self) -> None:
        self.next_ring = Ring()

    def ring(self) -> None:
        rung, self.next_ring = self.next_ring, Ring()
        rung.happen()
