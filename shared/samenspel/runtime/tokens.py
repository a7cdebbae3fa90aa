"""Bearer tokens: verification, and the OIN of the organisation (RFC 6750, RFC 7519, RFC 8725)."""

import re
from hashlib import sha256
from typing import Any, Final

from joserfc import jws, jwt
from joserfc.errors import ClaimError, ExpiredTokenError, JoseError
from joserfc.jwk import KeySet

from samenspel.runtime.dependencies import Dependency
from samenspel.runtime.issuer_keys import key_source_at

ALGORITHMS: Final = ["ES256", "PS256", "RS256"]
"""Asymmetric algorithms only: a verifier of tokens cannot create a token."""
ACCESS_TOKEN: Final = "at+jwt"
"""Type of an access token (RFC 9068 §2.1)."""
CLOCK_SKEW_SECONDS: Final = 30
TOKEN_CHARS_MAX: Final = 8_192
VERIFIED_MAX: Final = 4_096
"""Tokens whose signature is remembered. Above, all are verified again."""
_OIN: Final = re.compile(r"[0-9]{20}")
_DECODE_ERRORS: Final = (ValueError, TypeError, KeyError, AttributeError, RecursionError)
"""Errors that joserfc raises for a malformed token, besides `JoseError`."""


class TokenRefused(Exception):
    """The token is absent or invalid. ``error`` is the code of RFC 6750; None without a token."""

    def __init__(self, reason: str, error: str | None = "invalid_token") -> None:
        super().__init__(reason)
        self.error = error


class NoAccessToken(ValueError):
    """Another kind of token of the same issuer, such as an ID token (RFC 8725 §3.11)."""


class TokenVerifier:
    """Verifies the tokens of one issuer with the keys at ``jwks``: a path or an https address.

    Only ``typ``, ``alg`` and ``kid`` of a token's header are used: a key or a key address in the header is ignored.
    A signature is verified once per key set, so that a withdrawn key ends its tokens as soon as the keys are read
    again. The claims, and so the time of expiry, are checked at every request.
    """

    def __init__(self, jwks: str, issuer: str, audience: str, dependency: Dependency | None = None) -> None:
        self.keys = key_source_at(jwks, dependency)
        self._claims = jwt.JWTClaimsRegistry(
            leeway=CLOCK_SKEW_SECONDS,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            oin={"essential": True},
        )
        self._known: dict[bytes, tuple[KeySet, dict[str, Any]]] = {}

    async def organisation_of(self, authorization: str | None) -> str:
        """The OIN in the token of an ``Authorization`` header. Raises `TokenRefused` or `KeysUnavailable`."""
        scheme, _, text = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not text.strip():
            raise TokenRefused("send Authorization: Bearer <token>", None)
        if len(text) > TOKEN_CHARS_MAX:
            raise TokenRefused(f"a token has at most {TOKEN_CHARS_MAX:,} characters")
        try:
            return self._organisation_in(await self._verified(text.strip().encode("ascii")))
        except (JoseError, *_DECODE_ERRORS) as error:
            raise TokenRefused(_reason(error)) from None

    async def _verified(self, token: bytes) -> dict[str, Any]:
        """The claims of a token with a valid signature. A digest of the token is remembered, not the token."""
        digest = sha256(token).digest()
        keys, claims = self._known.get(digest, (None, {}))
        if keys is not None and keys is await self.keys.current():
            return claims
        keys = await self.keys.keys_for(_key_id(token))
        decoded = jwt.decode(token, keys, algorithms=ALGORITHMS)
        if not _is_access_token(decoded.header.get("typ")):
            raise NoAccessToken
        if len(self._known) >= VERIFIED_MAX:
            self._known.clear()
        self._known[digest] = keys, decoded.claims
        return decoded.claims

    def _organisation_in(self, claims: dict[str, Any]) -> str:
        self._claims.validate(claims)
        oin = claims["oin"]
        if not (isinstance(oin, str) and _OIN.fullmatch(oin)):
            raise ClaimError("oin")
        return oin


def _is_access_token(typ: object) -> bool:
    """Whether the header names an access token. Media types compare without case, ``application/`` may be absent."""
    return isinstance(typ, str) and typ.lower().removeprefix("application/") == ACCESS_TOKEN


def _key_id(token: bytes) -> object:
    """The key id in a token's header; not verified."""
    return jws.extract_compact(token).headers().get("kid")


def _reason(error: Exception) -> str:
    """A text without any content of the token, except the name of a claim."""
    if isinstance(error, NoAccessToken):
        return "the token is no access token: its header has another typ than at+jwt (RFC 9068)"
    if isinstance(error, ExpiredTokenError):
        return "the token has expired"
    if isinstance(error, ClaimError) and error.claim.isidentifier():
        return f"the claim {error.claim} is absent or invalid"
    return "the token is not signed by the issuer of this service"
