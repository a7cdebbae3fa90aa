"""The issuer's keys are read again after a possible change, at a bounded rate for any number of bad tokens."""

import asyncio
import json
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from joserfc.jwk import ECKey, KeySet
from samenspel.client.access.local_issuer import Issuer
from samenspel.runtime.dependencies import Dependency
from samenspel.runtime.issuer_keys import (
    AGE_SECONDS_MAX,
    KEY_SET_BYTES_MAX,
    REREAD_SECONDS_MIN,
    UNREACHABLE_SECONDS_MAX,
    IssuerKeys,
    KeyAddress,
    KeyFile,
    KeysUnavailable,
    _read_whole,
)

from tests.security.tls_system import HOST
from tests.support.certificates import Authority
from tests.support.waiting import eventually


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


@asynccontextmanager
async def responding(*chunks: bytes) -> AsyncIterator[aiohttp.StreamReader]:
    """The content of a response that arrives in these parts, one after the other was read."""

    async def respond(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for chunk in chunks:
            await response.write(chunk)
            await asyncio.sleep(0.01)  # the parts are packets of their own
        return response

    app = web.Application()
    app.router.add_get("/", respond)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    url = f"http://{HOST}:{runner.addresses[0][1]}/"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        yield response.content
    await runner.cleanup()


async def test_a_key_set_that_arrives_in_parts_is_read_whole() -> None:
    whole = json.dumps(KeySet([new_key() for _ in range(3)]).as_dict(private=False)).encode()
    parts = [whole[at : at + 50] for at in range(0, len(whole), 50)]
    async with responding(*parts) as content:
        assert await _read_whole(content) == whole


async def test_a_key_set_without_end_is_not_read_to_its_end() -> None:
    async with responding(*[b"x" * 65_536] * 6) as content:
        with pytest.raises(ValueError, match="at most"):
            await _read_whole(content)


@pytest.mark.parametrize("kind", ["pipe", "device", "large", "deep"])
async def test_a_key_file_without_end_is_not_read(kind: str, tmp_path: Path) -> None:
    """Reading a pipe waits for ever, and a device never ends: the service would answer nothing, not even SIGTERM."""
    file = tmp_path / "jwks.json"
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "device":
        file.symlink_to("/dev/zero")
    else:
        file.write_text("[" * (KEY_SET_BYTES_MAX if kind == "deep" else KEY_SET_BYTES_MAX + 1))
    dependency = Dependency("issuer keys")
    with pytest.raises(KeysUnavailable):
        await IssuerKeys(KeyFile(file), Clock(), dependency).current()
    assert "leads to no JSON Web Key Set" in (dependency.problem or "")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (FileNotFoundError(2, "No such file or directory", "jwks.json"), "the file in SAMENSPEL_JWKS cannot be read"),
        (TimeoutError(), "the address in SAMENSPEL_JWKS does not answer"),
        (ValueError("no keys"), "leads to no JSON Web Key Set"),
    ],
)
async def test_keys_that_cannot_be_read_are_told_with_the_reason(error: Exception, text: str) -> None:
    class Failing(Away):
        async def read(self) -> bytes:
            raise error

    dependency = Dependency("issuer keys")
    keys = IssuerKeys(Failing(), Clock(), dependency)
    with pytest.raises(KeysUnavailable):
        await keys.current()
    assert dependency.problem and text in dependency.problem


async def test_the_keys_are_read_before_the_first_token_comes() -> None:
    dependency = Dependency("issuer keys")
    watch = asyncio.create_task(IssuerKeys(Away(new_key()), Clock(), dependency).watch())
    await eventually(lambda: dependency.problem is None)
    watch.cancel()
