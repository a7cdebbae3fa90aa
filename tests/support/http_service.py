"""A local HTTP service with answers defined by the test; keeps the requests."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web
from samenspel.client.access.profile import Credential, KafkaAccess, System

OPERATOR = Credential(name="Operator", oin="00000099000000000001", username="o", password="p", token="the-token")
Respond = Callable[["Request"], tuple[int, Any]]
"""Status and JSON body of the answer to a request."""


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    body: Any
    authorization: str


@dataclass(slots=True)
class HttpService:
    system: System
    requests: list[Request] = field(default_factory=list)


def system_at(url: str) -> System:
    """A system with all services at this address."""
    http: Any = dict.fromkeys(("registry", "funding", "notifier"), url)
    return System(kafka=KafkaAccess(bootstrap="127.0.0.1:1", security_protocol="SASL_PLAINTEXT"), http=http)


@asynccontextmanager
async def serving(respond: Respond) -> AsyncIterator[HttpService]:
    kept: list[Request] = []

    async def answer(received: web.Request) -> web.Response:
        text = await received.read()
        request = Request(
            received.method,
            received.path,
            dict(received.query),
            orjson.loads(text) if text else None,
            received.headers.get("authorization", ""),
        )
        kept.append(request)
        status, body = respond(request)
        return web.Response(status=status, body=orjson.dumps(body), content_type="application/json")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield HttpService(system_at(f"http://127.0.0.1:{runner.addresses[0][1]}"), kept)
    finally:
        await runner.cleanup()
