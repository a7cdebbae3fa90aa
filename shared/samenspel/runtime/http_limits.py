"""Limits on HTTP connections: every phase of a request is bounded in bytes and in time.

uvicorn limits neither the size of a request head nor the time of its arrival, and queues any number of pipelined
requests. These limits apply before any application code runs, so that a slow or large request does not block other
connections.
"""

import socket
from asyncio import BaseTransport, TimerHandle
from collections.abc import Mapping
from time import monotonic
from typing import Any, Final, NoReturn

from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from samenspel.runtime.http import problem
from samenspel.runtime.http_head import TARGET_BYTES_MAX, refusal_of_head
from samenspel.runtime.open_streams import ANSWER_SECONDS_MAX, EXTENSION, OpenStream
from samenspel.runtime.settings import ServiceSettings

HEAD_BYTES_MAX: Final = 32_768
FIELDS_MAX: Final = 128
"""100 attributes of an event in binary mode, and 28 other fields."""
MESSAGE_BYTES_MAX: Final = 4_194_304
"""Head, body and chunk headers together; `samenspel.runtime.http.read_body` limits the body alone."""
HEAD_SECONDS_MAX: Final = 10.0
BODY_SECONDS_MAX: Final = 30.0
IN_PROGRESS_BYTES_MAX: Final = 67_108_864
"""Bytes of all requests in progress. Above, requests of over `SMALL_BYTES` are refused; smaller requests are not."""
SMALL_BYTES: Final = 65_536
PIPELINED_MAX: Final = 16
"""Requests of one connection that wait for the response to an earlier request."""
CONNECTIONS_MAX: Final = 768
"""Below 1,024, the default limit on open files of a process."""
KEEPALIVE: Final = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}
"""Seconds and probes of TCP: a client that disappeared without closing holds an open stream for one minute."""


class _InProgress:
    """Bytes of the requests in progress, on all connections of this process."""

    bytes = 0


in_progress: Final = _InProgress()


class LimitedConnection(HttpToolsProtocol):
    """Connection of one client. Above `CONNECTIONS_MAX` connections, the longest idle connection is closed.

    Without an idle connection, the organisation with the most waiting requests loses one: else one organisation could
    hold all connections.
    """

    _deadline: TimerHandle | None = None
    _refusal: Response | None = None
    _in_head = True
    _received = 0
    _head_bytes = 0
    _fields = 0
    _bytes_in_progress = 0
    received_at = 0.0

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]  # uvicorn asks for a Transport; it gets one
        self._stream = OpenStream(self._start_timer)
        _probe_when_idle(transport)
        self.received_at = monotonic()
        self._start_timer(HEAD_SECONDS_MAX)
        if len(self.connections) > CONNECTIONS_MAX:
            self._close_longest_idle()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stream.ended = True
        self._stream.leave_queue()
        self._stop_timer()
        self._count_in_progress(-self._bytes_in_progress)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self.received_at = monotonic()
        self._received += len(data)
        self._count_in_progress(len(data))
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._in_head and self._received > HEAD_BYTES_MAX:
            self._refuse(431, f"the head of a request has at most {HEAD_BYTES_MAX:,} bytes")
        elif self._received > MESSAGE_BYTES_MAX:
            self._refuse(413, f"a request has at most {MESSAGE_BYTES_MAX:,} bytes in total")
        elif self._bytes_in_progress > SMALL_BYTES and in_progress.bytes > IN_PROGRESS_BYTES_MAX:
            self._refuse(503, "too many large requests at once; send the request again", {"Retry-After": "5"})

    def send_400_response(self, msg: str) -> None:
        if not self.transport.is_closing():
            self._send_and_close(self._refusal or problem(400, "Bad request", msg))

    def shutdown(self) -> None:
        self._stream.ended = True
        super().shutdown()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {EXTENSION: {"stream": self._stream}}
        self._in_head, self._received, self._head_bytes, self._fields = True, 0, 0, 0
        self._start_timer(HEAD_SECONDS_MAX)

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > TARGET_BYTES_MAX:
            self._stop_parser(414, f"path and query have at most {TARGET_BYTES_MAX:,} bytes")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header field. Trailer fields of a chunked body are counted too, and are no part of the head.

        A trailer field would otherwise be an attribute of an event that no proxy has seen (RFC 9110 §6.5.1).
        """
        if self._in_head:
            super().on_header(name, value)
        self._fields += 1
        self._head_bytes += len(name) + len(value)
        if self._fields > FIELDS_MAX or self._head_bytes > HEAD_BYTES_MAX:
            self._stop_parser(431, f"a request head has at most {FIELDS_MAX} fields and {HEAD_BYTES_MAX:,} bytes")

    def on_headers_complete(self) -> None:
        self._in_head = False
        if refusal := refusal_of_head(self.parser.get_http_version(), self.url, self.headers):
            self._stop_parser(*refusal)
        if len(self.pipeline) >= PIPELINED_MAX:
            self.transport.abort()
            self._stop_parser(503, "too many pipelined requests")
        super().on_headers_complete()
        self._start_timer(BODY_SECONDS_MAX)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if self._is_idle():
            self._stop_timer()
        else:
            self._start_timer(ANSWER_SECONDS_MAX)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._count_in_progress(-self._bytes_in_progress)
        if not self.cycle.more_body and self._is_idle():
            self._stop_timer()

    def _stop_parser(self, status: int, detail: str) -> NoReturn:
        """Refuse the request from within the parser. The parser stops, and uvicorn calls `send_400_response`."""
        self._refusal = problem(status, "Request refused", detail)
        raise ValueError(detail)

    def _count_in_progress(self, number: int) -> None:
        self._bytes_in_progress += number
        in_progress.bytes += number

    def _start_timer(self, seconds: float) -> None:
        self._stop_timer()
        if not self.transport.is_closing():
            self._deadline = self.loop.call_later(seconds, self._on_deadline)

    def _stop_timer(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()

    def _on_deadline(self) -> None:
        if self._is_idle() or not self.cycle.response_started:
            self._refuse(408, "the request did not arrive in time")
        else:
            self.transport.abort()

    def _refuse(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        if self._is_idle() or not self.cycle.response_started:
            self._send_and_close(problem(status, "Request refused", detail, headers=headers))
        else:
            self.transport.abort()

    def _send_and_close(self, refusal: Response) -> None:
        """Write a response without the application, and close the connection."""
        fields = [*refusal.raw_headers, (b"connection", b"close")]
        lines = [STATUS_LINE[refusal.status_code], *(name + b": " + value + b"\r\n" for name, value in fields)]
        self.transport.write(b"".join([*lines, b"\r\n", bytes(refusal.body)]))
        self.transport.close()

    def _is_idle(self) -> bool:
        """Whether no response is in progress."""
        return self.cycle is None or self.cycle.response_complete

    def _close_longest_idle(self) -> None:
        idle = [each for each in self.connections if isinstance(each, LimitedConnection) and each is not self]
        idle = [each for each in idle if each._is_idle() and not each.transport.is_closing()]
        if closing := idle or self._most_queued():
            min(closing, key=lambda each: each.received_at).transport.abort()
        else:
            self._refuse(503, "too many open connections; try again later")

    def _most_queued(self) -> "list[LimitedConnection]":
        """The connections of the organisation with the most requests that wait for a slot: nothing is lost."""
        queues: dict[str, list[LimitedConnection]] = {}
        for each in self.connections:
            if isinstance(each, LimitedConnection) and each._stream.queue and not each.transport.is_closing():
                queues.setdefault(each._stream.queue, []).append(each)
        return max(queues.values(), key=len, default=[])


def _probe_when_idle(transport: BaseTransport) -> None:
    """Let TCP find out that a silent client has disappeared. Options that the platform lacks are left out."""
    connection = transport.get_extra_info("socket")
    if connection is None:
        return
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE.items():
        if option := getattr(socket, name, None):
            connection.setsockopt(socket.IPPROTO_TCP, option, value)


def uvicorn_settings(settings: ServiceSettings) -> dict[str, Any]:
    """Settings for uvicorn: address, limits and TLS."""
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
