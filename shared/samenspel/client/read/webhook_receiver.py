"""Webhook receiver: a small server that verifies every signature and recognises repeats.

The server listens on the loopback address, for trying subscriptions and as an example of a receiver. A receiver must
verify the received bytes (Standard Webhooks), answer 2xx quickly, and deduplicate by ``webhook-id``: an event may
arrive twice.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

import orjson
from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

LOOPBACK: Final = "127.0.0.1"
BODY_BYTES_MAX: Final = 128 * 1024


@dataclass(frozen=True, slots=True)
class ReceivedDelivery:
    """A delivery with a valid signature. ``event`` is the CloudEvent; ``repeated`` means a known ``webhook-id``."""

    id: str
    event: dict[str, Any]
    repeated: bool


@dataclass(slots=True)
class WebhookReceiver:
    """A webhook receiver; ``async with`` starts and stops the server.

    The first ``fail`` deliveries are answered 503. Without a ``secret`` every delivery is answered 503, because an
    unverified delivery must not be accepted. ``on_delivery`` is called with each verified delivery.
    """

    secret: str | None = None
    port: int = 0
    fail: int = 0
    on_delivery: Callable[[ReceivedDelivery], None] = lambda received: None
    verified: list[ReceivedDelivery] = field(default_factory=list)
    refused: int = 0
    failed: int = 0
    _ids: set[str] = field(default_factory=set)
    _progress: asyncio.Condition = field(default_factory=asyncio.Condition)
    _runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}/"

    @property
    def events(self) -> list[dict[str, Any]]:
        """Verified events in order of arrival, without repeats."""
        return [received.event for received in self.verified if not received.repeated]

    async def wait_for(self, count: int) -> None:
        """Return when ``count`` different events have been verified. The caller sets the time-out."""
        async with self._progress:
            await self._progress.wait_for(lambda: len(self._ids) >= count)

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        app.router.add_post("/", self._receive)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, LOOPBACK, self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        if self.secret is None or self.failed < self.fail:
            self.failed += 1
            return web.Response(status=503)
        if not _is_signed(request, body, self.secret):
            self.refused += 1
            return web.Response(status=401)
        identity = request.headers["webhook-id"]
        received = ReceivedDelivery(identity, orjson.loads(body), identity in self._ids)
        async with self._progress:
            self.verified.append(received)
            self._ids.add(identity)
            self._progress.notify_all()
        self.on_delivery(received)
        return web.Response(status=204)


def _is_signed(request: web.Request, body: bytes, secret: str) -> bool:
    try:
        Webhook(secret).verify(body, dict(request.headers), json_parse=False)
    except (WebhookVerificationError, ValueError):
        return False
    return True
