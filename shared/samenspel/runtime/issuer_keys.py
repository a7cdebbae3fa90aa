"""The public keys of the token issuer (JWKS, RFC 7517): read again when they have changed, never once per request."""

import asyncio
import json
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

import aiohttp
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

log = structlog.get_logger()

AGE_SECONDS_MAX: Final = 300.0
"""How long a key that the issuer took away may still be accepted from an https address. A file counts at once."""
REREAD_SECONDS_MIN: Final = 10.0
"""However many tokens name an unknown key: the issuer is asked no more often."""
UNHEARD_SECONDS_MAX: Final = 3_600.0
"""An issuer that does not answer leaves its last keys valid this long."""
FETCH_SECONDS_MAX: Final = 5.0
KEY_SET_BYTES_MAX: Final = 262_144


class KeysUnavailable(Exception):
    """The issuer's keys cannot be read, so nobody can be told apart now."""


class KeySource(Protocol):
    """Where a key set comes from."""

    def changed(self) -> bool:
        """Is it certain that there are other keys now?"""

    async def read(self) -> bytes:
        """The key set as JSON. Raises OSError, ClientError or TimeoutError."""


class KeyFile:
    """A file, whose replacement is noticed at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None

    def changed(self) -> bool:
        return self._state() != self._seen

    async def read(self) -> bytes:
        self._seen = self._state()
        return self._path.read_bytes()

    def _state(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns


class KeyAddress:
    """An https address; no redirects, for they could lead anywhere."""

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
            return await response.content.read(KEY_SET_BYTES_MAX)


class IssuerKeys:
    """The issuer's keys as they were read last."""

    def __init__(self, source: KeySource, clock: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._clock = clock
        self._turn = asyncio.Lock()
        self._keys: KeySet | None = None
        self._read_at = self._tried_at = -float("inf")

    async def current(self) -> KeySet:
        """The keys, at most `AGE_SECONDS_MAX` old. Raises `KeysMissing`."""
        if self._source.changed() or self._clock() - self._read_at > AGE_SECONDS_MAX:
            await self._read_again()
        if self._keys is None or self._clock() - self._read_at > UNHEARD_SECONDS_MAX:
            raise KeysUnavailable("the keys of the token issuer cannot be read")
        return self._keys

    async def to_find(self, kid: object) -> KeySet:
        """The same, read again if there is no key of this id among them: the issuer may have a new one."""
        if all(key.kid != kid for key in await self.current()):
            await self._read_again()
        return await self.current()

    async def _read_again(self) -> None:
        """Once for all that wait; not at all so soon after the last time, unless there certainly are other keys."""
        asked_at = self._clock()
        async with self._turn:
            recently = asked_at - self._tried_at < REREAD_SECONDS_MIN
            if (recently or self._tried_at > asked_at) and not self._source.changed():
                return
            self._tried_at = self._clock()
            try:
                self._keys = KeySet.import_key_set(json.loads(await self._source.read()))
                self._read_at = self._clock()
            except (OSError, aiohttp.ClientError, TimeoutError, JoseError, ValueError, TypeError, KeyError) as error:
                log.warning("keys of the token issuer not read", error=type(error).__name__)


def key_source_at(place: str) -> IssuerKeys:
    """The keys at an https address, or in a file."""
    return IssuerKeys(KeyAddress(place) if place.startswith("https://") else KeyFile(Path(place)))
