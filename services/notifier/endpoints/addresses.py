"""Allowed webhook addresses: never the internal network (OWASP, server-side request forgery).

An address is checked at the creation of a subscription and again at every connection. The host name is resolved once,
every resolved address must be allowed, and the connection uses one of the resolved addresses.
"""

import asyncio
import re
import socket
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, Final

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import AsyncResolver
from yarl import URL

URL_CHARS_MAX: Final = 1_000
URL_PATTERN: Final = "^[!-~]+$"
"""A URL is ASCII without blanks (RFC 3986 §2): other characters are percent-encoded, a host name is in Punycode."""
HOST_CHARS_MAX: Final = 253
_HOST_NAME: Final = re.compile(r"([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.?")
"""A name that the DNS can hold (RFC 1123 §2.1, and the underscore of existing names)."""
PARSED_MAX: Final = 4_096
"""Parsed addresses in memory. Those that were not used for the longest time are parsed again."""
DNS_TRY_SECONDS, DNS_TRIES = 2.0, 2
DNS_SECONDS_MAX: Final = 5.0
Address = IPv4Address | IPv6Address
PORTS: Final = (443, 8443)
"""Allowed ports on the public internet: other ports are of other services, which a webhook must not reach."""
_GLOBAL_UNICAST: Final = ip_network("2000::/3")
"""The only allocated global unicast addresses of IPv6 (RFC 4291 §2.4, IANA). NAT64 and site-local are outside."""
_SPECIAL: Final = tuple(
    ip_network(text)
    for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "192.0.0.0/24", "192.88.99.0/24")
)
"""Teredo, ORCHID, documentation, and 6to4 with its relays (IANA, special-purpose address registries)."""


class AddressRefused(OSError):
    """The webhook address is invalid or not allowed."""


def is_allowed(address: Address, *, local: bool) -> bool:
    """Whether an address is global unicast; on a ``local`` system loopback is allowed too."""
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped is not None:
        return is_allowed(mapped, local=local)
    if address.is_loopback:
        return local
    if any(address.version == network.version and address in network for network in _SPECIAL):
        return False
    if address.version == _GLOBAL_UNICAST.version and address not in _GLOBAL_UNICAST:
        return False
    return address.is_global and not address.is_multicast


@lru_cache(PARSED_MAX)
def parse(text: str, *, local: bool) -> URL:
    """The endpoint in a text: https, or on a ``local`` system http too. Raises `AddressRefused` with the reason.

    The result depends on the text alone, and is kept in memory. The addresses of a host name are resolved and checked
    at every connection (`GuardedResolver`).
    """
    if len(text) > URL_CHARS_MAX:
        raise AddressRefused(f"a URL has at most {URL_CHARS_MAX:,} characters")
    try:
        url = URL(text)
        host, port = url.host, url.port  # yarl decodes the host when it is asked for.
    except ValueError as error:
        raise AddressRefused(f"this is not a URL: {error}") from None
    if url.scheme != "https" and not (local and url.scheme == "http"):
        raise AddressRefused("the scheme must be https")
    if not host or not port or url.user is not None or url.password is not None or url.fragment:
        raise AddressRefused("a URL requires a host; user, password and fragment are not allowed")
    if not local and port not in PORTS:
        raise AddressRefused(f"the port must be {' or '.join(map(str, PORTS))}")
    literal = _literal(host)
    if literal is not None:
        require_allowed([literal], local=local)
    elif not _HOST_NAME.fullmatch(url.raw_host or "") or len(host) > HOST_CHARS_MAX:
        raise AddressRefused("the host is not a name of labels with 1 to 63 letters, digits and hyphens")
    return url


def normalised(text: str) -> str:
    """The same text for two spellings of one address: host in lower case, without the default port."""
    return str(URL(text))


def require_allowed(addresses: Iterable[Address], *, local: bool) -> None:
    """Raises `AddressRefused` if any of ``addresses`` is not allowed."""
    if any(not is_allowed(address, local=local) for address in addresses):
        raise AddressRefused("the host is not on the public internet")


class GuardedResolver(AbstractResolver):
    """Resolves a host name; raises `AddressRefused` unless all resolved addresses are allowed.

    No lookup holds a thread: with the resolver of the operating system, some slow names would use up all threads, and
    every other name would wait. ``options`` are those of `aiodns.DNSResolver`.
    """

    def __init__(self, *, local: bool, **options: Any) -> None:
        self._local = local
        self._resolver: AbstractResolver = AsyncResolver(timeout=DNS_TRY_SECONDS, tries=DNS_TRIES, **options)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Addresses of the host. Raises OSError, `AddressRefused`, or TimeoutError after `DNS_SECONDS_MAX`."""
        async with asyncio.timeout(DNS_SECONDS_MAX):
            found = await self._resolver.resolve(host, port, family)
        require_allowed((ip_address(each["host"].partition("%")[0]) for each in found), local=self._local)
        return found

    async def close(self) -> None:
        await self._resolver.close()


def _literal(host: str) -> Address | None:
    """The IP address of a literal host; None for a host name.

    A numeric host that is not an IP address is refused: resolvers accept ``127.1`` and ``2130706433`` as addresses.
    """
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        if host.replace(".", "").isdecimal() or host.startswith("0x"):
            raise AddressRefused("the host is a number but not an IP address") from None
        return None
