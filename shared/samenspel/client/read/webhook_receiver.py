"""Webhook receiver: a small server that verifies every signature and recognises repeats.

The server listens on the loopback address, for trying subscriptions and as an example of a receiver. A receiver must
verify the received bytes (Standard Webhooks), answer 2xx quickly, and deduplicate by ``webhook-id``: an event may
arrive twice.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
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
    unverified delivery must not be accepted. ``on_delivery`` is called with each verified delivery; an error that it
    raises ends `wait_for`.
    """

    secret: str | None = None
    port: int = 0
    fail: int = 0
    on_delivery: Callable[[ReceivedDelivery], None] = lambda received: None
    verified: list[ReceivedDelivery] = field(default_factory=list)
    refused: int = 0
    failed: int = 0
    _error: Exception | None = None
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

    async def wait_for(self, count: float) -> None:
        """Return when ``count`` different events have been verified. The caller sets the time-out.

        Raises the error of ``on_delivery``, such as BrokenPipeError when nobody reads its output.
        """
        async with self._progress:
            await self._progress.wait_for(lambda: self._error is not None or len(self._ids) >= count)
        if self._error is not None:
            raise self._error

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
        if (event := _event_in(body)) is None:
            return web.Response(status=400)
        identity = request.headers["webhook-id"]
        received = ReceivedDelivery(identity, event, identity in self._ids)
        async with self._progress:
            self.verified.append(received)
            self._ids.add(identity)
            try:
                self.on_delivery(received)
            except Exception as error:
                self._error = error
            self._progress.notify_all()
        return web.Response(status=204)


def _is_signed(request: web.Request, body: bytes, secret: str) -> bool:
    try:
        Webhook(secret).verify(body, dict(request.headers), json_parse=False)
    except (WebhookVerificationError, ValueError):
        return False
    return True


def require_secret(secret: str) -> str:
    """The secret, if it can sign. Raises `ValueError`."""
    try:
        Webhook(secret).sign("probe", datetime.now(UTC), "")
    except Exception as error:  # an empty secret has an error class of its own
        raise ValueError(f"this secret cannot sign: {error}") from None
    return secret


def _event_in(body: bytes) -> dict[str, Any] | None:
    """The event in a body, None for anything else than a JSON object."""
    try:
        event = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return event if isinstance(event, dict) else None
