"""Clients with deliberately bad behaviour, byte by byte."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

PATIENCE_SECONDS = 40.0


class Wire:
    """A connection to a service, with exactly the bytes of the test."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self._place = (place.hostname, place.port)

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(*self._place)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._writer.close()

    async def send(self, *pieces: bytes) -> None:
        """As far as the server accepts: after an answer and a close, the rest is dropped."""
        try:
            for piece in pieces:
                self._writer.write(piece)
                await asyncio.wait_for(self._writer.drain(), PATIENCE_SECONDS)
        except ConnectionError:
            return

    async def status(self) -> int:
        """Status of the answer; 0 for a connection closed without an answer."""
        try:
            line = await asyncio.wait_for(self._reader.readline(), PATIENCE_SECONDS)
        except ConnectionError:
            return 0
        return int(line.split()[1]) if line else 0

    async def is_closed(self) -> bool:
        """Does the other side hang up?"""
        try:
            await asyncio.wait_for(self._reader.read(), PATIENCE_SECONDS)
        except ConnectionError:
            return True
        return True


@asynccontextmanager
async def many(url: str, number: int) -> AsyncIterator[list[Wire]]:
    """So many connections at once."""
    wires = [await Wire(url).__aenter__() for _ in range(number)]
    try:
        yield wires
    finally:
        for wire in wires:
            await wire.__aexit__(None, None, None)


def head(path: str, fields: Iterable[tuple[str, str]] = (), method: str = "POST") -> bytes:
    """The head of a request."""
    lines = [f"{method} {path} HTTP/1.1", "host: door", *(f"{name}: {value}" for name, value in fields)]
    return "\r\n".join([*lines, "", ""]).encode()
