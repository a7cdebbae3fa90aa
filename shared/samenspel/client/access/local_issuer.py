"""Token issuer for local systems and tests. Production uses an OIDC issuer."""

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
ACCESS_TOKEN: Final = "at+jwt"
"""Type of an access token (RFC 9068 §2.1)."""
VALID_FOR: Final = timedelta(days=90)


class IssuerRefused(RuntimeError):
    """The local issuer refuses to run in production."""


class Issuer:
    """Signs tokens with the key in `folder`; creates the key at first use. Raises IssuerRefused in production."""

    def __init__(self, folder: Path) -> None:
        if os.environ.get("SAMENSPEL_ENVIRONMENT") == "production":
            raise IssuerRefused(
                "the local token issuer does not run in production: set SAMENSPEL_TOKEN_ISSUER to your OIDC issuer "
                "and SAMENSPEL_JWKS to the keys of the issuer"
            )
        self._key_file = folder / "key.json"
        self.jwks = folder / "jwks.json"
        self._key = self._load_or_make()

    def mint(self, oin: str, *, valid_for: timedelta = VALID_FOR) -> str:
        """Sign a bearer token for the organisation with this OIN."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": f"urn:nld:oin:{oin}",
            "oin": oin,
            "iat": now,
            "exp": now + int(valid_for.total_seconds()),
        }
        header = {"typ": ACCESS_TOKEN, "alg": ALGORITHM, "kid": self._key.kid}
        return jwt.encode(header, claims, self._key, algorithms=[ALGORITHM])

    def _load_or_make(self) -> ECKey:
        """Load or create the key, and always write the public key set: a crash between both files leaves no trace."""
        if self._key_file.exists():
            key = ECKey.import_key(json.loads(self._key_file.read_text()))
        else:
            self._key_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            key = ECKey.generate_key("P-256", {"use": "sig", "alg": ALGORITHM}, auto_kid=True)
            write_private(self._key_file, json.dumps(key.as_dict(private=True)))
        write_private(self.jwks, json.dumps(KeySet([key]).as_dict(private=False)))
        return key
