"""Slow, endless, huge or many requests: each gets a bounded answer, and other clients are served meanwhile."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress

import orjson
import pytest
import pytest_asyncio
import uvicorn
from fastapi import Depends, FastAPI
from samenspel.runtime import http_limits
from samenspel.runtime.concurrency_limit import ConcurrencyLimit
from samenspel.runtime.http import BODY_BYTES_MAX, create_http_app, organisation_dependency, read_body
from samenspel.runtime.http_limits import FIELDS_MAX, PIPELINED_MAX, SMALL_BYTES, LimitedConnection
from samenspel.runtime.limits import HTTP_REQUESTS
from samenspel.runtime.open_streams import OpenStream, stream_of
from samenspel.runtime.wakeup import WakeupTicket
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from tests.support.http_requests import request
from tests.support.raw_http import Wire, head, many
from tests.support.waiting import eventually

QUICK = {"HEAD_SECONDS_MAX": 0.3, "BODY_SECONDS_MAX": 0.3, "ANSWER_SECONDS_MAX": 0.6, "CONNECTIONS_MAX": 20}


@pytest_asyncio.fixture
async def address(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """The address of an app under `LimitedConnection`, with limits short enough for a test."""
    for name, value in QUICK.items():
        monkeypatch.setattr(http_limits, name, value)
    config = uvicorn.Config(_app(), port=0, http=LimitedConnection, ws="none", log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    SERVERS.append(server)
    serving = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await serving


def _app() -> FastAPI:
    async def ready() -> dict[str, str]:
        return {}

    app = create_http_app("test", "test", None, ready)  # type: ignore[arg-type]  # no lifespan is needed

    @app.post("/body")
    async def body(request: Request) -> Response:
        return PlainTextResponse(str(len(await read_body(request))))

    @app.post("/names")
    async def names(request: Request) -> Response:
        await read_body(request)
        return PlainTextResponse(",".join(request.headers))

    @app.get("/much")
    async def much() -> Response:
        return PlainTextResponse("x" * 50_000_000)

    @app.get("/big", dependencies=[Depends(organisation_dependency(City(), REQUESTS))])  # type: ignore[arg-type]
    async def big() -> Response:
        return PlainTextResponse("x" * 50_000_000)

    @app.get("/stream")
    async def stream(request: Request, seconds: float) -> Response:
        """Waits as a long poll does, for an event that never comes."""
        waiting = stream_of(request.scope)
        STREAMS.append(waiting)
        waiting.begin(seconds)
        await waiting.wait(WakeupTicket(), seconds)
        waiting.end()
        return PlainTextResponse("ended" if waiting.ended else "waited")

    return app


class City:
    """Takes every request for one organisation."""

    async def organisation_of(self, given: str | None) -> str:
        return CITY


CITY = "00000099000000000344"
REQUESTS = ConcurrencyLimit(HTTP_REQUESTS, 16, 30)
STREAMS: list[OpenStream] = []
SERVERS: list[uvicorn.Server] = []


async def is_served(address: str) -> bool:
    return (await request("GET", f"{address}/livez")).status == 200


@pytest.mark.parametrize(
    "begun",
    [b"", b"POST /body HT", b"POST /body HTTP/1.1\r\nhost: address\r\nx: "],
    ids=["nothing", "line", "fields"],
)
async def test_unfinished_head_ends_with_408(address: str, begun: bytes) -> None:
    async with Wire(address) as slow:
        await slow.send(begun)
        assert await is_served(address)
        assert await slow.status() == 408
        assert await slow.is_closed()


async def test_unfinished_body_ends_with_408(address: str) -> None:
    async with Wire(address) as slow:
        await slow.send(head("/body", [("content-length", "10")]), b"12345")
        assert await is_served(address)
        assert await slow.status() == 408
        assert await slow.is_closed()


async def test_endless_body_ends_with_408(address: str) -> None:
    async with Wire(address) as endless:
        await endless.send(head("/body", [("transfer-encoding", "chunked")]))
        dripping = asyncio.create_task(_drip(endless))
        assert await endless.status() == 408
        dripping.cancel()
        assert await is_served(address)


async def test_unread_endless_body_closes_the_connection(address: str) -> None:
    """Answered long before the end of the body; the connection is not kept."""
    async with Wire(address) as endless:
        await endless.send(head("/livez", [("transfer-encoding", "chunked")], "GET"))
        assert await endless.status() == 200
        dripping = asyncio.create_task(_drip(endless))
        assert await endless.is_closed()
        dripping.cancel()


async def _drip(wire: Wire) -> None:
    while True:
        await wire.send(b"1\r\nx\r\n")
        await asyncio.sleep(0.02)


async def test_answer_that_is_not_read_closes_the_connection(address: str) -> None:
    async with Wire(address) as deaf:
        await deaf.send(head("/much", method="GET"))
        assert await is_served(address)
        assert await deaf.is_closed()


@pytest.mark.parametrize(
    ("sent", "statuses"),
    [
        (head("/body", [(f"x-{number}", "y") for number in range(10_000)]), {431}),
        (head("/body", [("x", "y" * 1_000_000)]), {431}),
        (b"POST /body HTTP/1.1\r\nhost: address\r\nx: " + b"y" * 1_000_000, {431}),
        (b"POST /" + b"p" * 1_000_000, {414}),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", {400}),
        (b"NONSENSE\r\n\r\n", {400}),
        (head("/body", [("content-length", "1"), ("content-length", "2")]), {400}),
        (head("/body", [("content-length", "5"), ("transfer-encoding", "chunked")]) + b"0\r\n\r\n", {400}),
        (head("/body", [("content-length", str(10**12))]) + b"x" * (BODY_BYTES_MAX + 1), {413}),
        (head("/body", [("transfer-encoding", "chunked")]) + b"1\r\nx\r\n" * 3_000_000, {408, 413}),
        (
            head("/body", [("transfer-encoding", "chunked")])
            + b"0\r\n"
            + b"".join(b"x-%d: y\r\n" % number for number in range(10_000))
            + b"\r\n",
            {431},
        ),
    ],
    ids=[
        "10,000 fields",
        "a field of 1 MB",
        "a field without end",
        "a path without end",
        "TLS",
        "nonsense",
        "two lengths",
        "a length and chunks",
        "too long a body",
        "tiny chunks",
        "10,000 fields behind the body",
    ],
)
async def test_oversized_or_malformed_request_is_refused_and_closed(
    address: str, sent: bytes, statuses: set[int]
) -> None:
    async with Wire(address) as client:
        sending = asyncio.create_task(client.send(sent))
        status = await client.status()
        assert status in statuses | {0}, "answered, or hung up on while it went on sending"
        assert await client.is_closed()
        sending.cancel()
    assert await is_served(address)


@pytest.mark.parametrize(("number", "status"), [(FIELDS_MAX - 1, 200), (FIELDS_MAX, 431)])
async def test_fields_of_a_head_are_counted(address: str, number: int, status: int) -> None:
    """Beside the field Host; they are far below the limit in bytes."""
    async with Wire(address) as client:
        await client.send(head("/livez", [(f"x-{each}", "") for each in range(number)], "GET"))
        assert await client.status() == status


async def test_trailer_fields_are_no_part_of_the_head(address: str) -> None:
    """A proxy forwards or drops them, and checks none: an attribute there would reach the event unseen."""
    async with Wire(address) as client:
        sent = head("/names", [("transfer-encoding", "chunked"), ("connection", "close")])
        # In one packet: the application reads the head when the trailer has arrived.
        await client.send(sent + b"2\r\n{}\r\n0\r\nce-id: 1\r\nauthorization: Bearer x\r\n\r\n")
        answer = await client._reader.read()
    assert answer.endswith(b"host,transfer-encoding,connection")


async def test_trailer_fields_are_counted_with_the_fields_of_the_head(address: str) -> None:
    async with Wire(address) as client:
        await client.send(head("/names", [("transfer-encoding", "chunked")]))
        await client.send(b"0\r\n" + b"x: 1\r\n" * FIELDS_MAX + b"\r\n")
        assert await client.status() == 431


async def test_compressed_body_is_refused_without_decompression(address: str) -> None:
    bomb = gzip.compress(bytes(10_000_000))
    said = await request("POST", f"{address}/body", {"content-encoding": "gzip"}, bomb)
    assert said.is_problem(415)
    assert said.headers["accept-encoding"] == "identity"


async def test_longest_silent_connection_gives_way_to_a_new_one(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HEAD_SECONDS_MAX", "BODY_SECONDS_MAX", "ANSWER_SECONDS_MAX"):
        monkeypatch.setattr(http_limits, name, 30.0)  # the number of connections decides, not a time
    async with many(address, 3 * QUICK["CONNECTIONS_MAX"]):  # type: ignore[arg-type]  # it is a whole number
        for _ in range(30):
            assert await is_served(address)


async def test_organisation_cannot_hold_every_connection(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its requests beyond the limit wait, each on a connection of its own, and none of them is idle."""
    for name in ("HEAD_SECONDS_MAX", "BODY_SECONDS_MAX", "ANSWER_SECONDS_MAX"):
        monkeypatch.setattr(http_limits, name, 30.0)
    async with AsyncExitStack() as stack:
        for _ in range(QUICK["CONNECTIONS_MAX"]):  # type: ignore[arg-type]  # it is a whole number
            client = await stack.enter_async_context(Wire(address))
            await client.send(head("/big", method="GET"))
        await eventually(lambda: REQUESTS.use() == {CITY: QUICK["CONNECTIONS_MAX"]})
        for _ in range(3):
            assert await is_served(address)
    await eventually(lambda: not REQUESTS.use())


async def test_request_counts_until_its_answer_is_taken(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else one organisation could fill the memory with answers that its clients do not read."""
    monkeypatch.setattr(http_limits, "ANSWER_SECONDS_MAX", 30.0)
    async with Wire(address) as deaf:
        await deaf.send(head("/big", method="GET"))
        assert await deaf.status() == 200
        assert REQUESTS.use() == {CITY: 1}
        assert await is_served(address)
        assert REQUESTS.use() == {CITY: 1}
    await eventually(lambda: REQUESTS.use() == {})


async def test_stream_may_wait_longer_than_another_answer(address: str) -> None:
    """Twice as long as `ANSWER_SECONDS_MAX` of this server."""
    said = await request("GET", f"{address}/stream?seconds={2 * QUICK['ANSWER_SECONDS_MAX']}")
    assert (said.status, said.body) == (200, b"waited")


async def test_stream_whose_client_leaves_ends(address: str) -> None:
    STREAMS.clear()
    async with Wire(address) as leaving:
        await leaving.send(head("/stream?seconds=25", method="GET"))
        await eventually(lambda: STREAMS)
        assert not STREAMS[0].ended
    await eventually(lambda: STREAMS[0].ended)


async def test_stream_ends_when_the_server_stops(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    STREAMS.clear()
    waiting = asyncio.create_task(request("GET", f"{address}/stream?seconds=600"))
    await eventually(lambda: STREAMS)
    for connection in [each for each in SERVERS[-1].server_state.connections if isinstance(each, LimitedConnection)]:
        connection.shutdown()
    assert (await waiting).body == b"ended"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /livez\r\n\r\n", 505),
        (b"GET /livez HTTP/2.0\r\nhost: address\r\n\r\n", 505),
        (b"GET /livez HTTP/1.1\r\n\r\n", 400),
        (b"GET /livez HTTP/1.1\r\nhost: address\r\nhost: address\r\n\r\n", 400),
        (b"GET /livez HTTP/1.1\r\nhost: address\r\nHOST: other\r\n\r\n", 400),
        (head("/v1%2flivez", method="GET"), 400),
        (head("/livez%00", method="GET"), 400),
        (head("/livez/" + "p" * 40_000, method="GET"), 414),
        (head("/livez?" + "q" * 9_000, method="GET"), 414),
        (head("/body", [("transfer-encoding", "gzip, chunked")]), 501),
        (b"GET /livez HTTP/1.0\r\n\r\n", 200),
        (head("/livez", method="GET"), 200),
    ],
    ids=[
        *("HTTP/0.9", "HTTP/2.0", "no host", "two hosts", "two hosts in another spelling", "encoded slash"),
        *("encoded NUL", "path of 40 kB", "query of 9 kB", "transfer coding", "HTTP/1.0 without host", "good"),
    ],
)
async def test_head_that_http_forbids_is_refused_and_closed(address: str, sent: bytes, status: int) -> None:
    async with Wire(address) as client:
        await client.send(sent)
        assert await client.status() == status
        assert status == 200 or await client.is_closed()
    assert await is_served(address)


async def test_refusal_of_a_head_is_a_problem_of_rfc_9457(address: str) -> None:
    async with Wire(address) as client:
        await client.send(b"GET /livez HTTP/1.1\r\n\r\n")
        answer = await client._reader.read()
    fields, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/problem+json" in fields.lower()
    assert orjson.loads(body)["detail"] == "send one Host header (RFC 9112 §3.2)"


async def test_pipelined_requests_are_few(address: str) -> None:
    """One packet of 16 kB holds 400 requests; each would be an object of 5 kB that waits for its turn."""
    async with Wire(address) as client:
        await client.send(head("/livez", method="GET") * (PIPELINED_MAX + 400))
        answers = b""
        with suppress(ConnectionResetError):
            answers = await client._reader.read()
        assert answers.count(b"HTTP/1.1 200") <= PIPELINED_MAX
    async with Wire(address) as client:
        await client.send(head("/livez", method="GET") * PIPELINED_MAX)
        assert await client.status() == 200
    assert await is_served(address)


async def test_large_requests_together_are_bounded_and_small_ones_are_served(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_limits, "BODY_SECONDS_MAX", 30.0)
    monkeypatch.setattr(http_limits, "IN_PROGRESS_BYTES_MAX", 3 * SMALL_BYTES)
    begun = head("/body", [("content-length", "1000000")]) + bytes(2 * SMALL_BYTES)
    before = http_limits.in_progress.bytes
    async with Wire(address) as first, Wire(address) as second:
        await first.send(begun)
        await eventually(lambda: http_limits.in_progress.bytes - before > 2 * SMALL_BYTES)
        await second.send(begun)
        assert await second.status() == 503
        assert await second.is_closed()
        assert await is_served(address)
        small = await request("POST", f"{address}/body", body=bytes(1_000))
        assert (small.status, small.body) == (200, b"1000")
    await eventually(lambda: http_limits.in_progress.bytes == before)
