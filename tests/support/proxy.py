"""A TCP proxy on loopback with faults: slow, reset, half-open, or with lost answers.

The proxy runs in a separate thread, so a waiting or blocking test does not hold the proxy up.
"""

import asyncio
import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from enum import Enum, auto
from typing import Any, Final, Self

LOOPBACK: Final = "127.0.0.1"
CHUNK: Final = 65_536
IN_FLIGHT: Final = 256
"""Chunks in transit per direction; beyond this number the sender feels back-pressure."""
AT_ONCE: Final = struct.pack("ii", 1, 0)
"""SO_LINGER of zero seconds: closing sends RST."""

Change = Callable[[bytes], bytes]
Waiting = asyncio.Queue[tuple[float, bytes | None]]
"""Chunks, each with a due time; None is the end of the stream."""


class Mode(Enum):
    FORWARD = auto()
    SWALLOW = auto()
    """Requests arrive, answers are lost."""
    HALF_OPEN = auto()
    """Connections are accepted and never closed; not a byte arrives on either side."""


class Proxy:
    """``with Proxy(port) as proxy:`` listens on `proxy.port` and forwards to `target`, a port on loopback."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._mode = Mode.FORWARD
        self._delay = self._jitter = 0.0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def connections(self) -> int:
        """How many clients are connected now."""
        return len(self._tasks)

    def delay(self, milliseconds: float, jitter: float = 0) -> None:
        """From now on every chunk takes so long in each direction, plus up to `jitter` ms; order is kept."""
        self._delay, self._jitter = milliseconds / 1000, jitter / 1000

    def swallow(self) -> None:
        """From now on requests pass and answers are lost; `reset` makes the loss visible to the client."""
        self._mode = Mode.SWALLOW

    def half_open(self) -> None:
        """From now on connections stay open and are accepted, but nothing passes."""
        self._mode = Mode.HALF_OPEN

    def heal(self) -> None:
        """Forward again, at once. Connections with lost bytes are reset: a stream with a gap is useless."""
        self.delay(0)
        if self._mode is not Mode.FORWARD:
            self._run(self._reset(Mode.FORWARD))

    def reset(self) -> None:
        """Every connection ends now, with RST on both sides; the mode stays."""
        self._run(self._reset(self._mode))

    def conversation(self) -> tuple[Change, Change]:
        """The treatment of a connection's requests and answers: none."""
        return _unchanged, _unchanged

    def _run(self, what: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(timeout=10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._connected, LOOPBACK, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._server.close()
        await self._reset(self._mode)

    async def _reset(self, mode: Mode) -> None:
        for writer in self._open:
            _cut(writer)
        self._mode = mode  # only now: a connection with lost bytes can forward no more
        ending = list(self._tasks)
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    def _connected(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(client, to_client))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        writers = [to_client]
        self._open.add(to_client)
        try:
            server, to_server = await asyncio.open_connection(LOOPBACK, self._target)
            writers.append(to_server)
            self._open.add(to_server)
            with suppress(ExceptionGroup):  # either side broke off: so does the other
                await self._carry((client, to_server), (server, to_client))
        except OSError:
            pass  # nobody is there behind the proxy: the client is told by RST
        finally:
            for writer in writers:
                _cut(writer)
                self._open.discard(writer)

    async def _carry(self, *ways: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        """Both ways until both streams have ended."""
        (requests, to_server), (answers, to_client) = ways
        change_requests, change_answers = self.conversation()
        async with asyncio.TaskGroup() as tasks:
            for source, sink, change, lossy in (
                (requests, to_server, change_requests, {Mode.HALF_OPEN}),
                (answers, to_client, change_answers, {Mode.HALF_OPEN, Mode.SWALLOW}),
            ):
                waiting = Waiting(IN_FLIGHT)
                tasks.create_task(self._take(source, waiting, change, lossy))
                tasks.create_task(_deliver(waiting, sink))

    async def _take(self, source: asyncio.StreamReader, waiting: Waiting, change: Change, lossy: set[Mode]) -> None:
        chunk = b"any"
        while chunk:
            chunk = await source.read(CHUNK)
            if self._mode not in lossy:
                due = time.monotonic() + self._delay + random.random() * self._jitter
                await waiting.put((due, change(chunk) if chunk else None))


class KafkaProxy(Proxy):
    """Kafka's answers name the next address; the proxy replaces the broker's port by the proxy's port.

    So a broker serves any number of proxies, without extra listeners.
    """

    def conversation(self) -> tuple[Change, Change]:
        return _unchanged, _Redirect(_advertised(self._target), _advertised(self.port))


class _Redirect:
    """Replaces bytes in whole answers (each with a 32-bit length first), however cut into chunks."""

    def __init__(self, old: bytes, new: bytes) -> None:
        self._old, self._new = old, new
        self._stream = bytearray()

    def __call__(self, chunk: bytes) -> bytes:
        self._stream += chunk
        whole = 0
        while whole + 4 <= len(self._stream):
            end = whole + 4 + int.from_bytes(self._stream[whole : whole + 4], "big")
            if end > len(self._stream):
                break
            whole = end
        answers = bytes(self._stream[:whole])
        del self._stream[:whole]
        return answers.replace(self._old, self._new)


def _unchanged(chunk: bytes) -> bytes:
    return chunk


def _advertised(port: int) -> bytes:
    """A broker as named in Kafka's answers: host, then the port as 32 bits."""
    return LOOPBACK.encode() + struct.pack(">i", port)


async def _deliver(waiting: Waiting, sink: asyncio.StreamWriter) -> None:
    while True:
        due, chunk = await waiting.get()
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        if chunk is None:
            return sink.write_eof()
        sink.write(chunk)
        await sink.drain()


def _cut(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    if connection is not None and not writer.transport.is_closing():
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
    writer.transport.abort()
