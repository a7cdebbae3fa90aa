"""HTTP client for webhooks: only to allowed addresses, and the status of a response counts whatever follows.

aiohttp's parser loses the head of a response that arrives together with an invalid body, such as a body after 204.
A receiver that sends such a response has accepted the event. So the head is parsed before the body arrives.
"""

from functools import partial
from typing import Any, Final

import aiohttp
from aiohttp.client_proto import ResponseHandler
from samenspel.contracts.media_types import STRUCTURED

from services.notifier.endpoints.addresses import GuardedResolver

CONNECT_SECONDS: Final = 5.0
HEAD_BYTES_MAX: Final = 65_536
_END_OF_HEAD: Final = b"\r\n\r\n"


def create_client(attempt_seconds: float, *, local: bool) -> aiohttp.ClientSession:
    """A client that connects only to allowed addresses, follows no redirects and ignores proxy settings."""
    return aiohttp.ClientSession(
        connector=HeadFirstConnector(limit=0, resolver=GuardedResolver(local=local)),
        timeout=aiohttp.ClientTimeout(total=attempt_seconds, sock_connect=CONNECT_SECONDS),
        headers={"Content-Type": f"{STRUCTURED}; charset=utf-8", "User-Agent": "samenspel-notifier"},
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
    )


class HeadFirstConnector(aiohttp.TCPConnector):
    """A connector whose connections parse the head of each response apart from the body."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._factory = partial(HeadFirstHandler, loop=self._loop)  # type: ignore[assignment]  # a subclass


class HeadFirstHandler(ResponseHandler):
    """A connection that passes the head of a response to the parser before any byte of the body."""

    _head = bytearray()
    _in_head = True

    def set_response_params(self, **parameters: Any) -> None:
        """Called by aiohttp before each request on this connection."""
        super().set_response_params(**parameters)
        self._head, self._in_head = bytearray(), True

    def data_received(self, data: bytes) -> None:
        while self._in_head and data:
            self._head += data
            end = self._head.find(_END_OF_HEAD) + len(_END_OF_HEAD)
            if end < len(_END_OF_HEAD) and len(self._head) <= HEAD_BYTES_MAX:
                return
            end = end if end >= len(_END_OF_HEAD) else len(self._head)
            head, data = bytes(self._head[:end]), bytes(self._head[end:])
            # An interim response (1xx, RFC 9110 §15.2) precedes the final response.
            self._head, self._in_head = bytearray(), head[9:10] == b"1"
            super().data_received(head)
        if data:
            super().data_received(data)
