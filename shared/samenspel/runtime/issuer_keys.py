"""Public keys of the token issuer (JWKS, RFC 7517): cached, and read again after a change."""

import asyncio
import json
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol, TypeVar

import aiohttp
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from samenspel.runtime.dependencies import NOT_REACHED, Dependency, os_reason
from samenspel.runtime.settings_mistakes import is_special, variable_name

log = structlog.get_logger()

AGE_SECONDS_MAX: Final = 300.0
"""Time for which a key that the issuer withdrew may still be accepted, for an https address. A file: none."""
REREAD_SECONDS_MIN: Final = 10.0
"""Minimum time between two requests to the issuer, however many tokens name an unknown key."""
UNREACHABLE_SECONDS_MAX: Final = 3_600.0
"""Time for which the last keys stay valid while the issuer is unreachable."""
FETCH_SECONDS_MAX: Final = 5.0
WATCH_SECONDS: Final = 2.0
KEY_SET_BYTES_MAX: Final = 262_144
ContentT = TypeVar("ContentT", bytes, bytearray)


class KeysUnavailable(Exception):
    """The issuer's keys cannot be read, so no token can be verified."""


class KeySource(Protocol):
    """Source of a key set."""

    def changed(self) -> bool:
        """Whether the key set has certainly changed since the last `read`."""

    async def read(self) -> bytes:
        """The key set as JSON. Raises OSError, ClientError or TimeoutError."""


class KeyFile:
    """A key set in a file. A replacement of the file is detected at the next request."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None

    def changed(self) -> bool:
        return self._state() != self._seen

    async def read(self) -> bytes:
        self._seen = self._state()
        if is_special(self._path):
            raise ValueError("a pipe or a device has no end")
        with self._path.open("rb") as file:
            return _bounded(file.read(KEY_SET_BYTES_MAX + 1))

    def _state(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns


class KeyAddress:
    """A key set at an https address. Redirects are not followed: a redirect could name any server."""

    def __init__(self, url: str) -> None:
        self._url = url

    def changed(self) -> bool:
        return False

    async def read(self) -> bytes:
        timeout = aiohttp.ClientTimeout(total=FETCH_SECONDS_MAX)
        tls = ssl.create_default_context()
        async with (
            aiohttp.ClientSession(timeout=timeout, raise_for_status=True) as session,
            session.get(self._url, ssl=tls, allow_redirects=False) as response,
        ):
            return await _read_whole(response.content)


async def _read_whole(content: aiohttp.StreamReader) -> bytes:
    """All bytes up to the end. ``content.read(n)`` would return the bytes that have arrived, the first part perhaps.

    Raises ValueError above `KEY_SET_BYTES_MAX`.
    """
    body = bytearray()
    async for chunk in content.iter_any():
        body += chunk
        _bounded(body)
    return bytes(body)


def _bounded(content: ContentT) -> ContentT:
    """The same bytes. Raises ValueError above `KEY_SET_BYTES_MAX`."""
    if len(content) > KEY_SET_BYTES_MAX:
        raise ValueError(f"a key set has at most {KEY_SET_BYTES_MAX:,} bytes")
    return content


class IssuerKeys:
    """The issuer's keys, cached from the last read. ``dependency`` learns whether tokens can be verified."""

    def __init__(
        self,
        source: KeySource,
        clock: Callable[[], float] = time.monotonic,
        dependency: Dependency | None = None,
    ) -> None:
        self._source = source
        self._clock = clock
        self._dependency = dependency or Dependency("issuer keys")
        self._reason = NOT_REACHED
        self._lock = asyncio.Lock()
        self._keys: KeySet | None = None
        self._read_at = self._tried_at = -float("inf")

    async def current(self) -> KeySet:
        """The keys, at most `AGE_SECONDS_MAX` old. Raises `KeysUnavailable`."""
        if self._source.changed() or self._clock() - self._read_at > AGE_SECONDS_MAX:
            await self._read_again()
        if self._keys is None or self._clock() - self._read_at > UNREACHABLE_SECONDS_MAX:
            self._dependency.failed(self._reason)
            raise KeysUnavailable("the keys of the token issuer cannot be read; try again later")
        self._dependency.works()
        return self._keys

    async def watch(self) -> None:
        """Read the keys before the first token comes, and again as they age, until cancelled."""
        while True:
            with suppress(KeysUnavailable):
                await self.current()
            await asyncio.sleep(WATCH_SECONDS)

    async def keys_for(self, kid: object) -> KeySet:
        """The keys, read again if no key has the id ``kid``: the issuer may have added a key."""
        if all(key.kid != kid for key in await self.current()):
            await self._read_again()
        return await self.current()

    async def _read_again(self) -> None:
        """Read the keys once for all concurrent callers.

        Skipped within `REREAD_SECONDS_MIN` after the last attempt, unless the source has certainly changed.
        """
        asked_at = self._clock()
        async with self._lock:
            recently = asked_at - self._tried_at < REREAD_SECONDS_MIN
            if (recently or self._tried_at > asked_at) and not self._source.changed():
                return
            self._tried_at = self._clock()
            try:
                self._keys = KeySet.import_key_set(json.loads(await self._source.read()))
                self._read_at = self._clock()
            except (
                OSError,
                aiohttp.ClientError,
                TimeoutError,
                JoseError,
                ValueError,
                TypeError,
                KeyError,
                RecursionError,
            ) as error:
                self._reason = _unavailable_reason(error)
                if self._keys is not None:
                    # The last keys stay valid for a while, so the dependency has not failed yet.
                    log.warning("cannot read the keys of the token issuer", reason=self._reason)


def _unavailable_reason(error: Exception) -> str:
    """Reason without the address, which is not public; constant for one cause."""
    place = variable_name("jwks")
    if isinstance(error, aiohttp.ClientResponseError):
        return f"the address in {place} answers with status {error.status}"
    if isinstance(error, aiohttp.ClientSSLError):
        return f"the address in {place} has no certificate that is trusted"
    if isinstance(error, aiohttp.ClientError | TimeoutError):
        return f"the address in {place} does not answer"
    if isinstance(error, OSError):
        return f"the file in {place} cannot be read: {os_reason(error)}"
    return f"{place} leads to no JSON Web Key Set (RFC 7517) of at most {KEY_SET_BYTES_MAX:,} bytes"


def key_source_at(location: str, dependency: Dependency | None = None) -> IssuerKeys:
    """The keys at ``location``: an https address or a file path."""
    source = KeyAddress(location) if location.startswith("https://") else KeyFile(Path(location))
    return IssuerKeys(source, dependency=dependency)
