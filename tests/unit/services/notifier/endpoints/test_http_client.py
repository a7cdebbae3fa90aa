"""The status of a response counts, whatever the receiver sends after the head."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from services.notifier.endpoints.http_client import HEAD_BYTES_MAX, create_client

END = b"\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\n"
NO_CONTENT = b"HTTP/1.1 204 No Content"
ANSWERS = {
    "a body after 204": (204, NO_CONTENT + b"\r\ncontent-length: 4" + END + b"null"),
    "a body after 204 without length": (204, NO_CONTENT + END + b"null"),
    "chunks after 204": (204, NO_CONTENT + b"\r\ntransfer-encoding: chunked" + END + b"4\r\nnull\r\n0" + END),
    "a body after 304": (304, b"HTTP/1.1 304 Not Modified\r\ncontent-length: 4" + END + b"null"),
    "a body that ends early": (200, OK + b"content-length: 400" + END + b"null"),
    "a longer body than announced": (200, OK + b"content-length: 1" + END + b"null"),
    "an invalid chunk": (200, OK + b"transfer-encoding: chunked" + END + b"zz\r\nnull"),
    "a body that is not gzip": (200, OK + b"content-encoding: gzip\r\ncontent-length: 4" + END + b"null"),
    "an interim response before": (204, b"HTTP/1.1 100 Continue" + END + NO_CONTENT + END + b"null"),
    "no reason phrase": (204, b"HTTP/1.1 204" + END + b"null"),
    "an error with a body": (503, b"HTTP/1.1 503 Busy\r\ncontent-length: 4" + END + b"nullnull"),
}


@asynccontextmanager
async def answering(*parts: bytes) -> AsyncIterator[tuple[str, list[int]]]:
    """A receiver that answers each request with these bytes, part by part; its URL, and the ports of its callers."""
    callers: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        callers.append(writer.get_extra_info("peername")[1])
        try:
            while await reader.readuntil(END):
                await reader.readexactly(2)
                for part in parts:
                    writer.write(part)
                    await writer.drain()
                    await asyncio.sleep(0)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", callers
    finally:
        server.close()


async def status(client: aiohttp.ClientSession, url: str) -> int:
    async with client.post(url, data=b"{}", allow_redirects=False) as response:
        return response.status


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("split", [False, True], ids=["at once", "byte by byte"])
async def test_status_counts_whatever_follows(name: str, split: bool) -> None:
    expected, answer = ANSWERS[name]
    parts = [answer[at : at + 1] for at in range(len(answer))] if split else [answer]
    async with answering(*parts) as (url, _), create_client(5, local=True) as client:
        assert await status(client, url) == expected


async def test_connection_is_used_again_after_a_valid_response() -> None:
    answer = OK + b"content-length: 2" + END + b"ok"
    async with answering(answer) as (url, callers), create_client(5, local=True) as client:
        assert [await status(client, url) for _ in range(3)] == [200] * 3
    assert len(callers) == 1


@pytest.mark.parametrize(
    "answer",
    [OK + b"bad header" + END, b"nonsense" + END, OK + b"x: " + b"x" * HEAD_BYTES_MAX + END],
    ids=["an invalid header", "no HTTP", "a head that is too long"],
)
async def test_response_without_a_valid_head_is_a_failure(answer: bytes) -> None:
    async with answering(answer) as (url, _), create_client(5, local=True) as client:
        with pytest.raises(aiohttp.ClientError):
            await status(client, url)


async def test_address_inside_is_not_called_outside_a_local_system() -> None:
    async with answering(NO_CONTENT + END) as (url, callers), create_client(5, local=False) as client:
        with pytest.raises((aiohttp.ClientError, OSError)):
            await status(client, url.replace("127.0.0.1", "localhost"))
    assert callers == []
