"""The issuer's keys are read again when they may have changed, and however many bad tokens come: not for each."""

import asyncio
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, KeySet
from samenspel.client.access.local_issuer import AUDIENCE, ISSUER, Issuer
from samenspel.runtime.issuer_keys import (
    AGE_SECONDS_MAX,
    REREAD_SECONDS_MIN,
    UNREACHABLE_SECONDS_MAX,
    IssuerKeys,
    KeyFile,
    KeysUnavailable,
)
from samenspel.runtime.tokens import TokenRefused, TokenVerifier

OIN = "00000099000000000344"


class Away:
    """An issuer at an address, which counts how often it is asked."""

    def __init__(self, *keys: ECKey) -> None:
        self.keys = list(keys)
        self.asked = 0
        self.answers = True

    def changed(self) -> bool:
        return False

    async def read(self) -> bytes:
        self.asked += 1
        await asyncio.sleep(0)
        if not self.answers:
            raise TimeoutError
        return json.dumps(KeySet(self.keys).as_dict(private=False)).encode()


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def new_key() -> ECKey:
    return ECKey.generate_key("P-256", auto_kid=True)


async def test_a_thousand_unknown_keys_are_one_question() -> None:
    issuer, clock = Away(new_key()), Clock()
    keys = IssuerKeys(issuer, clock)
    await asyncio.gather(*(keys.keys_for(f"unknown {number}") for number in range(1_000)))
    assert issuer.asked == 1
    clock.now += REREAD_SECONDS_MIN
    await asyncio.gather(*(keys.keys_for(f"unknown {number}") for number in range(1_000)))
    assert issuer.asked == 2


async def test_a_known_key_is_no_question() -> None:
    key = new_key()
    issuer, clock = Away(key), Clock()
    keys = IssuerKeys(issuer, clock)
    for _ in range(100):
        clock.now += 1
        await keys.keys_for(key.kid)
    assert issuer.asked == 1


async def test_a_new_key_is_found_and_an_old_one_lost() -> None:
    old, new = new_key(), new_key()
    issuer, clock = Away(old), Clock()
    keys = IssuerKeys(issuer, clock)
    await keys.keys_for(old.kid)
    issuer.keys.append(new)
    clock.now += REREAD_SECONDS_MIN
    assert [each.kid for each in await keys.keys_for(new.kid)] == [old.kid, new.kid]
    issuer.keys.remove(old)
    clock.now += AGE_SECONDS_MAX + 1
    assert [each.kid for each in await keys.keys_for(old.kid)] == [new.kid]


async def test_an_issuer_that_is_away_is_missed_after_an_hour() -> None:
    key = new_key()
    issuer, clock = Away(key), Clock()
    keys = IssuerKeys(issuer, clock)
    await keys.keys_for(key.kid)
    issuer.answers = False
    clock.now += UNREACHABLE_SECONDS_MAX
    await keys.keys_for(key.kid)
    clock.now += 1
    with pytest.raises(KeysUnavailable):
        await keys.keys_for(key.kid)
    issuer.answers = True
    clock.now += REREAD_SECONDS_MIN
    await keys.keys_for(key.kid)


async def test_a_file_counts_as_soon_as_it_is_there(tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    keys = IssuerKeys(KeyFile(file), Clock())
    with pytest.raises(KeysUnavailable):
        await keys.keys_for("any")
    for key in (new_key(), new_key()):
        file.write_text(json.dumps(KeySet([key]).as_dict(private=False)))
        assert [each.kid for each in await keys.keys_for(key.kid)] == [key.kid]
    file.write_text("{")
    assert [each.kid for each in await keys.keys_for("any")] == [key.kid]


@given(st.one_of(st.text(), st.binary().map(lambda raw: raw.decode("latin-1")), st.from_regex(r"[\w.=-]{0,80}")))
async def test_whatever_comes_is_refused_or_known(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.getbasetemp() / "issuer"
    verifier = TokenVerifier(str(Issuer(folder).jwks), ISSUER, AUDIENCE)
    with pytest.raises(TokenRefused):
        await verifier.organisation_of(f"Bearer {text}")


async def test_a_good_token_names_its_organisation(tmp_path: Path) -> None:
    issuer = Issuer(tmp_path)
    verifier = TokenVerifier(str(issuer.jwks), ISSUER, AUDIENCE)
    assert await verifier.organisation_of(f"bearer  {issuer.mint(OIN)} ") == OIN
