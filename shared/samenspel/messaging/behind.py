"""Writing one page of decisions while the next is being decided: PostgreSQL works while we do."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from samenspel.messaging.lanes import Entries
from samenspel.messaging.sitting import Page

T = TypeVar("T")
PAGE: Final = 100
"""Submissions on one."""
BREATH: Final = 20
"""Submissions or events that are handled in one go, before what is being written gets its turn."""


async def breathing(items: Iterable[T]) -> AsyncIterator[T]:
    """The same items; between some of them whatever else has come to something goes on."""
    for number, item in enumerate(items):
        if number % BREATH == 0:
            await asyncio.sleep(0)
        yield item


class Behind:
    """A context manager that has one page written at a time; what ``write`` raises comes out of it.

    It is left when nothing is being written any more, whatever happened: the connection is free then.
    """

    def __init__(self, write: Callable[[Page, Entries], Coroutine[Any, Any, None]]) -> None:
        self._write = write
        self._writing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._writing is None:
            return
        if error is not None:
            await asyncio.wait([self._writing])
            if self._writing.cancelled() or self._writing.exception():
                return  # of the two errors, the one that ended the deciding counts
        await self._writing

    async def begin(self, page: Page, entries: Entries) -> None:
        """Write this one when the one before is written."""
        if self._writing is not None:
            await self._writing
        self._writing = asyncio.create_task(self._write(page, entries))

    async def breathe(self) -> None:
        """Let what is being written go on."""
        if self._writing is not None and not self._writing.done():
            await asyncio.sleep(0)
