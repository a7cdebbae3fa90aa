"""A small token issuer for local systems and tests; in production any OIDC issuer takes its place."""

import json
import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Final

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from samenspel.client.access.private_files import write_private
from samenspel.runtime.settings import LOCAL_ISSUER

ISSUER: Final = LOCAL_ISSUER
AUDIENCE: Final = "samenspel"
ALGORITHM: Final = "ES256"
VALID_FOR: Final = timedelta(days=90)


class IssuerRefused(RuntimeError):
    """The local issuer does not serve production."""


class Issuer:
    """Signs with the key in `folder`, which is made at first use. Raises IssuerRefused in production."""

    def __init__(self, folder: Path) -> None:
        if os.environ.get("SAMENSPEL_ENVIRONMENT") == "production":
            raise IssuerRefused(
                "the local token issuer refuses production: name your OIDC issuer in SAMENSPEL_TOKEN_ISSUER "
                "and its keys in SAMENSPEL_JWKS"
            )
        self._key_file = folder / "key.json"
        self.jwks = folder / "jwks.json"
        self._key = self._load_or_make()

    def mint(self, oin: str, *, valid_for: timedelta = VALID_FOR) -> str:
        """A bearer token of the organisation with this OIN."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": f"urn:nld:oin:{oin}",
            "oin": oin,
            "iat": now,
            "exp": now + int(valid_for.total_seconds()),
        }
        return jwt.encode({"alg": ALGORITHM, "kid": self._key.kid}, claims, self._key, algorithms=[ALGORITHM])

    def _load_or_make(self) -> ECKey:
        """The public set is written again each time, so that a crash between the two files heals."""
        if self._key_file.exists():
            key = ECKey.import_key(json.loads(self._key_file.read_text()))
        else:
            self._key_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            key = ECKey.generate_key("P-256", {"use": "sig", "alg": ALGORITHM}, auto_kid=True)
            write_private(self._key_file, json.dumps(key.as_dict(private=True)))
        write_private(self.jwks, json.dumps(KeySet([key]).as_dict(private=False)))
        return key
