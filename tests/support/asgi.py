"""Asks an HTTP app in this process, without a server."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import FastAPI


@dataclass(frozen=True, slots=True)
class Reply:
    """``headers`` by name in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


async def ask(
    app: FastAPI, method: str, target: str, *, headers: Mapping[str, str] | None = None, body: Any = None
) -> Reply:
    """The reply to a request. ``body`` is sent as JSON unless given as bytes."""
    path, _, query = target.partition("?")
    content = b"" if body is None else body if isinstance(body, bytes) else orjson.dumps(body)
    named = {"content-type": "application/json", **(headers or {})}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in named.items()],
    }
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": content}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start = next(each for each in sent if each["type"] == "http.response.start")
    replied = {name.decode().lower(): value.decode() for name, value in start["headers"]}
    return Reply(start["status"], replied, b"".join(each.get("body", b"") for each in sent))
