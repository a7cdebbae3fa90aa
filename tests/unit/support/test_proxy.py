"""The proxy of the tests works as assumed."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.proxy import LOOPBACK, KafkaProxy, Proxy, _advertised
from tests.support.waiting import eventually

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest_asyncio.fixture
async def echo() -> AsyncIterator[int]:
    """The port of an echo server, ended with the client."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while chunk := await reader.read(65_536):
                writer.write(chunk)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(answer, LOOPBACK, 0) as server:
        yield server.sockets[0].getsockname()[1]


async def _connect(proxy: Proxy) -> Connection:
    return await asyncio.open_connection(LOOPBACK, proxy.port)


async def _ask(connection: Connection, question: bytes) -> bytes:
    reader, writer = connection
    writer.write(question)
    await writer.drain()
    return await asyncio.wait_for(reader.readexactly(len(question)), 20)


async def _is_silent(connection: Connection) -> bool:
    """Whether no answer comes, and no end of the connection either."""
    try:
        await asyncio.wait_for(connection[0].read(1), 0.2)
    except TimeoutError:
        return True
    return False


async def test_proxy_forwards_large_streams_unchanged(echo: int) -> None:
    with Proxy(echo) as proxy:
        reader, writer = connection = await _connect(proxy)
        question = bytes(range(256)) * 2_000
        assert await _ask(connection, question) == question
        assert proxy.connections == 1
        writer.write(b"the last")
        writer.write_eof()
        assert await reader.read() == b"the last"
        await eventually(lambda: proxy.connections == 0)
        writer.close()


async def test_slow_proxy_delays_both_directions_in_order(echo: int) -> None:
    with Proxy(echo) as proxy:
        proxy.delay(50, jitter=50)
        connection = await _connect(proxy)
        begun = time.monotonic()
        questions = [b"%05d" % number for number in range(20)]
        assert await _ask(connection, b"".join(questions)) == b"".join(questions)
        assert time.monotonic() - begun >= 0.1
        connection[1].close()


@pytest.mark.parametrize("mode", ["forward", "swallow", "half_open"])
async def test_reset_of_the_proxy_ends_connections_in_every_mode(echo: int, mode: str) -> None:
    with Proxy(echo) as proxy:
        connection = await _connect(proxy)
        assert await _ask(connection, b"hello") == b"hello"
        if mode != "forward":
            getattr(proxy, mode)()
        proxy.reset()
        with pytest.raises(ConnectionResetError):
            await connection[0].readexactly(1)
        assert proxy.connections == 0
        connection[1].close()


async def test_swallowing_proxy_drops_replies_until_healed() -> None:
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.put_nowait(await reader.read(5))
        writer.write(b"answer")
        writer.close()

    async with await asyncio.start_server(answer, LOOPBACK, 0) as server:
        with Proxy(server.sockets[0].getsockname()[1]) as proxy:
            proxy.swallow()
            connection = await _connect(proxy)
            connection[1].write(b"hello")
            assert await asyncio.wait_for(heard.get(), 20) == b"hello"
            assert await _is_silent(connection)
            proxy.heal()
            with pytest.raises(ConnectionResetError):
                await connection[0].readexactly(1)
            connection[1].close()


async def test_half_open_proxy_accepts_and_is_silent_until_healed(echo: int) -> None:
    with Proxy(echo) as proxy:
        before = await _connect(proxy)
        assert await _ask(before, b"hello") == b"hello"
        proxy.half_open()
        after = await _connect(proxy)
        for connection in (before, after):
            connection[1].write(b"hello")
            assert await _is_silent(connection)
        proxy.heal()
        for connection in (before, after):
            with pytest.raises(ConnectionResetError):
                await connection[0].readexactly(1)
            connection[1].close()
        anew = await _connect(proxy)
        assert await _ask(anew, b"hello") == b"hello"
        anew[1].close()


async def test_connection_without_a_server_is_reset(unused_tcp_port: int) -> None:
    with Proxy(unused_tcp_port) as proxy, pytest.raises(ConnectionResetError):
        # The reset may come before the connection is even handed over.
        reader, writer = await _connect(proxy)
        try:
            await reader.readexactly(1)
        finally:
            writer.close()


async def test_kafka_metadata_names_the_proxy_in_any_fragmentation(echo: int) -> None:
    with KafkaProxy(echo) as proxy:
        connection = await _connect(proxy)
        answer = b"broker " + _advertised(echo) + b" 1"
        framed = len(answer).to_bytes(4, "big") + answer
        for byte in framed:
            connection[1].write(bytes([byte]))
            await connection[1].drain()
            await asyncio.sleep(0)
        got = await asyncio.wait_for(connection[0].readexactly(len(framed)), 20)
        assert got[4:] == b"broker " + _advertised(proxy.port) + b" 1"
        connection[1].close()
