"""The local issuer: tokens, expiry, the private key, and the refusal in production."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.errors import ExpiredTokenError
from joserfc.jwk import KeySet
from samenspel.client.access.local_issuer import ALGORITHM, AUDIENCE, ISSUER, Issuer, IssuerRefused

OIN = "00000099000000000344"


def claims(token: str, issuer: Issuer) -> jwt.Claims:
    """The view of a service: the public keys from the file, nothing else."""
    keys = KeySet.import_key_set(json.loads(issuer.jwks.read_text()))
    return jwt.decode(token, keys, algorithms=[ALGORITHM]).claims


def test_token_names_its_organisation(tmp_path: Path) -> None:
    issuer = Issuer(tmp_path / "issuer")
    found = claims(issuer.mint(OIN), issuer)
    assert (found["iss"], found["aud"], found["oin"]) == (ISSUER, AUDIENCE, OIN)
    jwt.JWTClaimsRegistry().validate(found)


def test_a_token_expires(tmp_path: Path) -> None:
    issuer = Issuer(tmp_path)
    token = issuer.mint(OIN, valid_for=timedelta(seconds=-1))
    with pytest.raises(ExpiredTokenError):
        jwt.JWTClaimsRegistry().validate(claims(token, issuer))


def test_issuer_key_is_kept_and_private(tmp_path: Path) -> None:
    token = Issuer(tmp_path).mint(OIN)
    (tmp_path / "jwks.json").unlink()
    assert claims(token, Issuer(tmp_path))["oin"] == OIN
    assert (tmp_path / "key.json").stat().st_mode & 0o077 == 0
    assert '"d"' not in (tmp_path / "jwks.json").read_text()


def test_local_issuer_refuses_production(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMENSPEL_ENVIRONMENT", "production")
    with pytest.raises(IssuerRefused, match="does not run in production"):
        Issuer(tmp_path)
