"""Bearer tokens: which organisation an HTTP request speaks for (RFC 7519, verified against a JWKS, RFC 7517)."""

import json
from pathlib import Path
from typing import Final

import aiohttp
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization

ALGORITHMS: Final = ["ES256", "PS256", "RS256"]
CLOCK_SKEW_SECONDS: Final = 30


class TokenRefused(Exception):
    """The bearer token is absent, expired, or not from the issuer that we trust."""


class TokenVerifier:
    """Verifies tokens of one issuer. An unknown key makes it read the key set once more: keys may have rotated."""

    def __init__(self, jwks: str, issuer: str, audience: str) -> None:
        self._jwks = jwks
        self._keys: KeySet | None = None
        self._claims = jwt.JWTClaimsRegistry(
            leeway=CLOCK_SKEW_SECONDS,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            oin={"essential": True},
        )

    async def organisation_of(self, authorization: str | None) -> str:
        """The OIN that the ``Authorization`` header speaks for. Raises `TokenRefused`."""
        scheme, _, text = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not text:
            raise TokenRefused("send Authorization: Bearer <token>")
        try:
            return self._verify(text, self._keys or await self._read_keys())
        except (JoseError, ValueError):
            pass
        try:
            return self._verify(text, await self._read_keys())
        except (JoseError, ValueError) as error:
            # The library's reasons name claims, never the token.
            raise TokenRefused(f"the token was not accepted: {type(error).__name__}") from None

    def _verify(self, text: str, keys: KeySet) -> str:
        token = jwt.decode(text.strip(), keys, algorithms=ALGORITHMS)
        self._claims.validate(token.claims)
        oin = token.claims["oin"]
        if not (isinstance(oin, str) and len(oin) == 20 and oin.isdigit()):
            raise ValueError("the claim oin is no OIN")
        return oin

    async def _read_keys(self) -> KeySet:
        if self._jwks.startswith("https://"):
            timeout = aiohttp.ClientTimeout(total=5)
            async with aiohttp.ClientSession(timeout=timeout) as session, session.get(self._jwks) as response:
                self._keys = KeySet.import_key_set(await response.json())
        else:
            self._keys = KeySet.import_key_set(_read_file(self._jwks))
        return self._keys


def _read_file(path: str) -> KeySetSerialization:
    keys: KeySetSerialization = json.loads(Path(path).read_text())
    return keys
