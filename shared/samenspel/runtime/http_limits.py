"""HTTP connections that cannot hold the others up: every phase of a request is bounded in bytes and in time.

uvicorn bounds neither a request's head nor the time it takes to come; these bounds hold before any code of ours runs.
"""

from asyncio import BaseTransport, TimerHandle
from time import monotonic
from typing import Any, Final

from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from samenspel.runtime.http import problem
from samenspel.runtime.settings import ServiceSettings

HEAD_BYTES_MAX: Final = 32_768
FIELDS_MAX: Final = 100
MESSAGE_BYTES_MAX: Final = 4_194_304
"""Head, body and chunk marks together; the body alone is bounded by `samenspel.runtime.http.body_of`."""
HEAD_SECONDS_MAX: Final = 10.0
BODY_SECONDS_MAX: Final = 30.0
ANSWER_SECONDS_MAX: Final = 90.0
"""Until the client has taken the whole answer."""
CONNECTIONS_MAX: Final = 768
"""Below the 1,024 files that a process may have open by default."""


class LimitedConnection(HttpToolsProtocol):
    """One client's connection. When there are too many, the one that has been silent longest gives way."""

    _deadline: TimerHandle | None = None
    _refusal: Response | None = None
    _in_head = True
    _received = 0
    _head_bytes = 0
    heard_at = 0.0

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]  # uvicorn asks for a Transport; it gets one
        self.heard_at = monotonic()
        self._expect_within(HEAD_SECONDS_MAX)
        if len(self.connections) > CONNECTIONS_MAX:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect_nothing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self.heard_at = monotonic()
        self._received += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._in_head and self._received > HEAD_BYTES_MAX:
            self._refuse(431, f"the head of a request has at most {HEAD_BYTES_MAX:,} bytes")
        elif self._received > MESSAGE_BYTES_MAX:
            self._refuse(413, f"a request has at most {MESSAGE_BYTES_MAX:,} bytes in all")

    def send_400_response(self, msg: str) -> None:
        self._say(self._refusal or problem(400, "Bad request", msg))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._received, self._head_bytes = True, 0, 0
        self._expect_within(HEAD_SECONDS_MAX)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Those behind a chunked body come here too."""
        super().on_header(name, value)
        self._head_bytes += len(name) + len(value)
        if len(self.headers) > FIELDS_MAX or self._head_bytes > HEAD_BYTES_MAX:
            detail = f"the head of a request has at most {FIELDS_MAX} fields and {HEAD_BYTES_MAX:,} bytes"
            self._refusal = problem(431, "Request refused", detail)
            raise ValueError(detail)  # the parser stops, and what it was refused with is said

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()
        self._expect_within(BODY_SECONDS_MAX)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if self._is_idle():
            self._expect_nothing()
        else:
            self._expect_within(ANSWER_SECONDS_MAX)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.cycle.more_body and self._is_idle():
            self._expect_nothing()

    def _expect_within(self, seconds: float) -> None:
        self._expect_nothing()
        self._deadline = self.loop.call_later(seconds, self._late)

    def _expect_nothing(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()

    def _late(self) -> None:
        if self._is_idle() or not self.cycle.response_started:
            self._refuse(408, "the request did not come in time")
        else:
            self.transport.abort()

    def _refuse(self, status: int, detail: str) -> None:
        if self._is_idle() or not self.cycle.response_started:
            self._say(problem(status, "Request refused", detail))
        else:
            self.transport.abort()

    def _say(self, refusal: Response) -> None:
        """Outside of any application, and for the last time."""
        fields = [*refusal.raw_headers, (b"connection", b"close")]
        lines = [STATUS_LINE[refusal.status_code], *(name + b": " + value + b"\r\n" for name, value in fields)]
        self.transport.write(b"".join([*lines, b"\r\n", bytes(refusal.body)]))
        self.transport.close()

    def _is_idle(self) -> bool:
        """Is nothing being answered?"""
        return self.cycle is None or self.cycle.response_complete

    def _make_room(self) -> None:
        idle = [each for each in self.connections if isinstance(each, LimitedConnection) and each is not self]
        idle = [each for each in idle if each._is_idle() and not each.transport.is_closing()]
        if idle:
            min(idle, key=lambda each: each.heard_at).transport.abort()
        else:
            self._refuse(503, "there are too many connections")


def uvicorn_settings(settings: ServiceSettings) -> dict[str, Any]:
    """Where and how uvicorn serves: its settings."""
    return {
        "host": settings.http_host,
        "port": settings.http_port,
        "http": LimitedConnection,
        "ws": "none",
        "proxy_headers": False,
        "server_header": False,
        "ssl_certfile": settings.http_tls_certificate,
        "ssl_keyfile": settings.http_tls_key,
    }
