"""The issuer's keys are read again after a possible change, at a bounded rate for any number of bad tokens."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from joserfc.jwk import ECKey, KeySet
from samenspel.client.access.local_issuer import Issuer
from samenspel.runtime.issuer_keys import (
    AGE_SECONDS_MAX,
    REREAD_SECONDS_MIN,
    UNREACHABLE_SECONDS_MAX,
    IssuerKeys,
    KeyAddress,
    KeyFile,
    KeysUnavailable,
)

from tests.security.tls_system import HOST
from tests.support.certificates import Authority


class Away:
    """An issuer at an address, with a count of requests."""

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


async def test_thousand_unknown_key_ids_cause_one_request() -> None:
    issuer, clock = Away(new_key()), Clock()
    keys = IssuerKeys(issuer, clock)
    await asyncio.gather(*(keys.keys_for(f"unknown {number}") for number in range(1_000)))
    assert issuer.asked == 1
    clock.now += REREAD_SECONDS_MIN
    await asyncio.gather(*(keys.keys_for(f"unknown {number}") for number in range(1_000)))
    assert issuer.asked == 2


async def test_known_key_id_causes_no_request() -> None:
    key = new_key()
    issuer, clock = Away(key), Clock()
    keys = IssuerKeys(issuer, clock)
    for _ in range(100):
        clock.now += 1
        await keys.keys_for(key.kid)
    assert issuer.asked == 1


async def test_new_key_is_found_and_a_withdrawn_one_dropped() -> None:
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


async def test_unreachable_issuer_is_an_error_after_an_hour() -> None:
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


async def test_key_file_counts_as_soon_as_it_exists(tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    keys = IssuerKeys(KeyFile(file), Clock())
    with pytest.raises(KeysUnavailable):
        await keys.keys_for("any")
    for key in (new_key(), new_key()):
        file.write_text(json.dumps(KeySet([key]).as_dict(private=False)))
        assert [each.kid for each in await keys.keys_for(key.kid)] == [key.kid]
    file.write_text("{")
    assert [each.kid for each in await keys.keys_for("any")] == [key.kid]


@pytest_asyncio.fixture
async def issuer_at(tmp_path: Path) -> AsyncIterator[tuple[str, Authority]]:
    """An issuer's https address, and the certificate authority."""
    authority = Authority.make(tmp_path, "issuers")
    server = authority.vouch_for(HOST)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(server.certificate, server.key)
    jwks = Issuer(tmp_path / "issuer").jwks.read_text()

    async def keys(_: web.Request) -> web.Response:
        return web.Response(text=jwks, content_type="application/json")

    async def moved(_: web.Request) -> web.Response:
        raise web.HTTPFound("/jwks")

    app = web.Application()
    app.router.add_get("/jwks", keys)
    app.router.add_get("/moved", moved)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, HOST, 0, ssl_context=context)
    await site.start()
    yield f"https://{HOST}:{runner.addresses[0][1]}", authority
    await runner.cleanup()


async def test_issuer_without_a_valid_certificate_or_with_a_redirect_is_refused(
    issuer_at: tuple[str, Authority], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, authority = issuer_at
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with pytest.raises(KeysUnavailable):
        await IssuerKeys(KeyAddress(f"{url}/jwks")).current()
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    assert len((await IssuerKeys(KeyAddress(f"{url}/jwks")).current()).keys) == 1
    with pytest.raises(KeysUnavailable):
        await IssuerKeys(KeyAddress(f"{url}/moved")).current()
    with pytest.raises(KeysUnavailable):
        await IssuerKeys(KeyAddress(f"{url.replace(HOST, 'localhost')}/jwks")).current()
