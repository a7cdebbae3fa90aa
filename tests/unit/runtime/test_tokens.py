"""Tokens: a valid token gives the organisation; every other text is refused."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samenspel.client.access.local_issuer import AUDIENCE, ISSUER, Issuer
from samenspel.runtime.tokens import TokenRefused, TokenVerifier

OIN = "00000099000000000344"


@given(st.one_of(st.text(), st.binary().map(lambda raw: raw.decode("latin-1")), st.from_regex(r"[\w.=-]{0,80}")))
async def test_arbitrary_text_is_refused_as_a_token(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.getbasetemp() / "issuer"
    verifier = TokenVerifier(str(Issuer(folder).jwks), ISSUER, AUDIENCE)
    with pytest.raises(TokenRefused):
        await verifier.organisation_of(f"Bearer {text}")


async def test_valid_token_gives_its_organisation(tmp_path: Path) -> None:
    issuer = Issuer(tmp_path)
    verifier = TokenVerifier(str(issuer.jwks), ISSUER, AUDIENCE)
    assert await verifier.organisation_of(f"bearer  {issuer.mint(OIN)} ") == OIN
