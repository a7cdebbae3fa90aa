"""Secrets and signatures of webhooks (Standard Webhooks 1.0)."""

import secrets
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Final

from joserfc import jwe
from joserfc.jwk import OctKey
from standardwebhooks import Webhook

SECRET_BYTES: Final = 32
SIGNERS_MAX: Final = 4_096
"""Decrypted secrets in memory. Those that were not used for the longest time are decrypted again."""
_JWE_HEADER: Final = {"alg": "dir", "enc": "A256GCM"}


def new_secret() -> str:
    """A new secret for a subscription: ``whsec_`` and 32 random bytes in base64."""
    return "whsec_" + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


class SecretBox:
    """Encrypts secrets for the database: JWE (RFC 7516) with one key of the notifier."""

    def __init__(self, key: str) -> None:
        self._key = OctKey.import_key(sha256(key.encode()).digest())
        self._signers = lru_cache(SIGNERS_MAX)(self._signer)

    def encrypt(self, secret: str) -> str:
        return jwe.encrypt_compact(_JWE_HEADER, secret.encode(), self._key)

    def decrypt(self, encrypted: str) -> str:
        """The secret. Raises joserfc's `JoseError` for a text that another key encrypted."""
        opened = jwe.decrypt_compact(encrypted, self._key).plaintext
        return (opened or b"").decode()

    def signer(self, encrypted: str) -> Webhook:
        """The signer with the secret in ``encrypted``, kept in memory. Raises as `decrypt`, and `ValueError`.

        The caller reads the encrypted secrets that sign now from the database, at every attempt. A rotated secret has
        another encrypted text, so the signer in memory never outlives the rotation.
        """
        return self._signers(encrypted)

    def _signer(self, encrypted: str) -> Webhook:
        return Webhook(self.decrypt(encrypted))


def require_signing_secret(secret: str) -> str:
    """The secret, if the signer accepts the secret. Raises `ValueError`."""
    try:
        Webhook(secret).sign("probe", datetime.now(UTC), "")
    except ValueError as error:
        raise ValueError(f"the secret cannot sign: {error}") from None
    return secret


def signed_headers(signers: Sequence[Webhook], event_id: str, now: datetime, body: bytes) -> dict[str, str]:
    """The headers of one attempt, with one signature per secret: two secrets during a rotation.

    ``now`` is the time of the attempt in UTC; every attempt has its own signature.
    """
    text = body.decode()
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signer.sign(event_id, now, text) for signer in signers),
    }
