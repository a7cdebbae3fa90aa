"""Tokens: a valid token gives the organisation; every other text is refused."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samenspel.client.access.local_issuer import AUDIENCE, ISSUER, Issuer
from samenspel.runtime import tokens
from samenspel.runtime.tokens import TokenRefused, TokenVerifier

from tests.support.forged_tokens import Forger

OIN = "00000099000000000344"


@given(st.one_of(st.text(), st.binary().map(lambda raw: raw.decode("latin-1")), st.from_regex(r"[\w.=-]{0,80}")))
async def test_arbitrary_text_is_refused_as_a_token(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.getbasetemp() / "issuer"
    verifier = TokenVerifier(str(Issuer(folder).jwks), ISSUER, AUDIENCE)
    with pytest.raises(TokenRefused):
        await verifier.organisation_of(f"Bearer {text}")


async def test_another_kind_of_token_of_the_issuer_is_refused(tmp_path: Path) -> None:
    """An ID token is for the client, not for a service (RFC 8725 §3.11)."""
    issuer = Issuer(tmp_path)
    verifier = TokenVerifier(str(issuer.jwks), ISSUER, AUDIENCE)
    forger = Forger.at(tmp_path, OIN, "http://127.0.0.1:9")
    for typ in ("at+jwt", "AT+JWT", "application/at+jwt"):
        assert await verifier.organisation_of(f"Bearer {forger.signed(typ=typ)}") == OIN
    for typ in ("JWT", "id+jwt", "application/jwt", ""):
        with pytest.raises(TokenRefused, match="no access token"):
            await verifier.organisation_of(f"Bearer {forger.signed(typ=typ)}")


async def test_valid_token_gives_its_organisation(tmp_path: Path) -> None:
    issuer = Issuer(tmp_path)
    verifier = TokenVerifier(str(issuer.jwks), ISSUER, AUDIENCE)
    assert await verifier.organisation_of(f"bearer  {issuer.mint(OIN)} ") == OIN


async def test_signature_is_verified_once_per_key_set_and_the_expiry_at_every_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[object] = []
    verify = tokens.jwt.decode
    monkeypatch.setattr(
        tokens.jwt, "decode", lambda *given, **named: verified.append(given) or verify(*given, **named)
    )
    issuer = Issuer(tmp_path)
    verifier = TokenVerifier(str(issuer.jwks), ISSUER, AUDIENCE)
    token = f"Bearer {issuer.mint(OIN)}"
    for _ in range(3):
        assert await verifier.organisation_of(token) == OIN
    assert len(verified) == 1
    long_after = time.time() + 400 * 86_400
    with monkeypatch.context() as later:
        later.setattr(verifier._claims, "_now", lambda: int(long_after))
        with pytest.raises(TokenRefused, match="expired"):
            await verifier.organisation_of(token)


async def test_token_of_a_withdrawn_key_is_refused_although_it_was_verified_before(tmp_path: Path) -> None:
    issuer, another = Issuer(tmp_path / "one"), Issuer(tmp_path / "two")
    verifier = TokenVerifier(str(issuer.jwks), ISSUER, AUDIENCE)
    token = f"Bearer {issuer.mint(OIN)}"
    assert await verifier.organisation_of(token) == OIN
    issuer.jwks.write_bytes(another.jwks.read_bytes())
    with pytest.raises(TokenRefused):
        await verifier.organisation_of(token)


async def test_remembered_signatures_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "VERIFIED_MAX", 2)
    issuer = Issuer(tmp_path)
    verifier = TokenVerifier(str(issuer.jwks), ISSUER, AUDIENCE)
    for number in range(5):
        assert await verifier.organisation_of(f"Bearer {issuer.mint(f'{OIN[:-1]}{number}')}") == f"{OIN[:-1]}{number}"
        assert len(verifier._known) <= 2
