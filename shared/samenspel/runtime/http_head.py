"""Checks of a request head that HTTP/1.1 requires (RFC 9112), and that the parser of uvicorn leaves out.

A proxy in front of the service may read an ambiguous head in another way: such a head is refused, not interpreted.
"""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple
from urllib.parse import unquote_to_bytes

TARGET_BYTES_MAX: Final = 8_192
"""Path and query together. RFC 9112 §3 recommends to support at least 8,000 bytes."""
_HOST: Final = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=:%\[\]-]*")
_AMBIGUOUS: Final = re.compile(rb"%(2f|5c|[01][0-9a-f]|7f)|\\", re.IGNORECASE)


class HeadRefusal(NamedTuple):
    """Status and reason of the refusal of a request head."""

    status: int
    reason: str


def refusal_of_head(version: str, target: bytes, fields: Iterable[tuple[bytes, bytes]]) -> HeadRefusal | None:
    """The refusal of a head, None for a good head. Names of ``fields`` are in lower case."""
    if version not in ("1.0", "1.1"):
        return HeadRefusal(505, "send the request in HTTP/1.1")
    if len(target) > TARGET_BYTES_MAX:
        return HeadRefusal(414, f"path and query have at most {TARGET_BYTES_MAX:,} bytes")
    named = list(fields)
    return (
        _refusal_of_host(version, [value for name, value in named if name == b"host"])
        or _refusal_of_coding(version, [value for name, value in named if name == b"transfer-encoding"])
        or _refusal_of_path(target)
    )


def _refusal_of_host(version: str, hosts: list[bytes]) -> HeadRefusal | None:
    """RFC 9112 §3.2: one Host field; a request in HTTP/1.0 may have none."""
    if len(hosts) > 1 or (not hosts and version == "1.1"):
        return HeadRefusal(400, "send one Host header (RFC 9112 §3.2)")
    if hosts and not _HOST.fullmatch(hosts[0]):
        return HeadRefusal(400, "the Host header is not a host and port (RFC 9112 §3.2)")
    return None


def _refusal_of_coding(version: str, codings: list[bytes]) -> HeadRefusal | None:
    """RFC 9112 §6.1: a coding that the server does not decode is 501; HTTP/1.0 has no codings."""
    if codings and version == "1.0":
        return HeadRefusal(400, "a request in HTTP/1.0 has no Transfer-Encoding (RFC 9112 §6.1)")
    if any(coding.strip().lower() != b"chunked" for coding in codings) or len(codings) > 1:
        return HeadRefusal(501, "send Transfer-Encoding: chunked, or none (RFC 9112 §6.1)")
    return None


def _refusal_of_path(target: bytes) -> HeadRefusal | None:
    path = target.partition(b"?")[0]
    if _AMBIGUOUS.search(path):
        return HeadRefusal(400, "the path contains an encoded slash, a backslash or an encoded control character")
    try:
        unquote_to_bytes(path).decode()
    except UnicodeDecodeError:
        return HeadRefusal(400, "the path is not UTF-8 after percent-decoding (RFC 3986 §2.5)")
    return None
