"""Bearer tokens: which organisation an HTTP request speaks for (RFC 6750, RFC 7519, RFC 8725)."""

import re
from typing import Final

from joserfc import jws, jwt
from joserfc.errors import ClaimError, ExpiredTokenError, JoseError
from joserfc.jwk import KeySet

from samenspel.runtime.issuer_keys import key_source_at

ALGORITHMS: Final = ["ES256", "PS256", "RS256"]
"""Asymmetric ones only: whoever may verify a token cannot make one."""
CLOCK_SKEW_SECONDS: Final = 30
TOKEN_CHARS_MAX: Final = 8_192
_OIN: Final = re.compile(r"[0-9]{20}")
_MALFORMED: Final = (ValueError, TypeError, KeyError, AttributeError, RecursionError)
"""What a token that was never one makes of a reader."""


class TokenRefused(Exception):
    """The request does not show whom it speaks for; ``error`` is RFC 6750's code, None without a token."""

    def __init__(self, reason: str, error: str | None = "invalid_token") -> None:
        super().__init__(reason)
        self.error = error


class TokenVerifier:
    """Verifies tokens of one issuer, with the keys that are at ``jwks``: a path or an https address.

    Of a token's header only ``alg`` and ``kid`` count: it cannot bring a key, or say where one is.
    """

    def __init__(self, jwks: str, issuer: str, audience: str) -> None:
        self._keys = key_source_at(jwks)
        self._claims = jwt.JWTClaimsRegistry(
            leeway=CLOCK_SKEW_SECONDS,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            oin={"essential": True},
        )

    async def organisation_of(self, authorization: str | None) -> str:
        """The OIN that the ``Authorization`` header speaks for. Raises `TokenRefused`, or `KeysMissing`."""
        scheme, _, text = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not text.strip():
            raise TokenRefused("send Authorization: Bearer <token>", None)
        if len(text) > TOKEN_CHARS_MAX:
            raise TokenRefused(f"a token has at most {TOKEN_CHARS_MAX:,} characters")
        try:
            token = text.strip().encode("ascii")
            return self._verify(token, await self._keys.to_find(_key_id(token)))
        except (JoseError, *_MALFORMED) as error:
            raise TokenRefused(_reason(error)) from None

    def _verify(self, token: bytes, keys: KeySet) -> str:
        claims = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
        self._claims.validate(claims)
        oin = claims["oin"]
        if not (isinstance(oin, str) and _OIN.fullmatch(oin)):
            raise ClaimError("oin")
        return oin


def _key_id(token: bytes) -> object:
    """The key that a token says it was signed with; not verified."""
    return jws.extract_compact(token).headers().get("kid")


def _reason(error: Exception) -> str:
    """Names a claim at most: nothing that came with the token is repeated."""
    if isinstance(error, ExpiredTokenError):
        return "the token has expired"
    if isinstance(error, ClaimError) and error.claim.isidentifier():
        return f"the claim {error.claim} is absent or not what it must be"
    return "the token is not one that our issuer signed"
