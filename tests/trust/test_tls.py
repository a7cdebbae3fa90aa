"""TLS as docs/tls.md describes it: it works with the right authority and name, and with nothing less."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import asyncpg
import pytest
import pytest_asyncio
from aiohttp import web
from aiokafka.errors import KafkaConnectionError
from pydantic import ValidationError
from samenspel.client.access.kafka import aiokafka_settings
from samenspel.client.access.local_issuer import ISSUER, Issuer
from samenspel.client.access.profile import KafkaAccess
from samenspel.client.admin.admission import admit
from samenspel.client.admin.kafka_admin import KafkaAdmin, admin_of
from samenspel.client.submit.emit import emit
from samenspel.client.submit.statements import statement
from samenspel.contracts.organisations import OrganisationAdmitted
from samenspel.runtime.issuer_keys import IssuerKeys, KeyAddress, KeysUnavailable
from samenspel.runtime.settings import ServiceSettings

from tests.kit.events import initiative
from tests.kit.organisations import unique_oin
from tests.kit.waiting import eventually
from tests.kit.wire import speaking_as
from tests.trust.certificates import Authority
from tests.trust.encrypted import HOST, Encrypted, encrypted, guide


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encrypted]:
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("SAMENSPEL_HOME", raising=False)
        with encrypted(tmp_path_factory.mktemp("tls")) as started:
            environment.setenv("SSL_CERT_FILE", str(started.authority.file))
            # aiohttp has read that variable already, when it was imported
            trusting = ssl.create_default_context()
            environment.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", trusting)
            yield started


@pytest.mark.system
async def test_an_organisation_joins_and_submits_over_tls_alone(secure: Encrypted) -> None:
    """Everything that the operator and an organisation do: users and rights, both doors, and the answers."""
    oin = unique_oin()
    stated = OrganisationAdmitted(oin=oin, name="Gemeente Dicht", kind="municipality")
    url = f"https://{HOST}:{secure.door_port}/readyz"

    async def is_ready() -> bool:
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            return response.status == 200

    await eventually(is_ready, 60)
    admitted = await admit(secure.profile, [stated])
    assert [answer.outcome for answer in admitted] == ["accepted"]
    for via in ("http", "kafka"):
        stated_once = statement(oin, "initiative-registered", initiative())
        answers = await emit(secure.profile, oin, [stated_once], via=via, within=40)
        assert [answer and answer.outcome for answer in answers] == ["accepted"], via


@pytest.mark.system
@pytest.mark.parametrize("mistake", ["another authority", "no authority", "another name", "no TLS"])
async def test_a_client_that_cannot_be_sure_does_not_talk_to_kafka(
    secure: Encrypted, mistake: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    access = _mistaken(secure, mistake)
    with pytest.raises(KafkaConnectionError):
        async with speaking_as(aiokafka_settings(access, secure.profile.any_credential())):
            pass
    service = settings_of(access)
    with pytest.raises(KafkaConnectionError):
        async with speaking_as(service.kafka()):
            pass
    password = secure.system.kafka.admin_password
    protocol = access.security_protocol
    admin = KafkaAdmin(access.bootstrap, "admin", password, security_protocol=protocol, ca_file=access.ca_file)
    assert not await asyncio.to_thread(admin.is_reachable, within=1)


def _mistaken(secure: Encrypted, mistake: str) -> KafkaAccess:
    good = secure.profile.system().kafka
    changes: dict[str, dict[str, object]] = {
        "another authority": {"ca_file": secure.stranger.file},
        "no authority": {"ca_file": None},
        "another name": {"bootstrap": good.bootstrap.replace(HOST, "localhost")},
        "no TLS": {"security_protocol": "SASL_PLAINTEXT"},
    }
    return good.model_copy(update=changes[mistake])


@pytest.mark.system
def test_one_that_is_sure_does(secure: Encrypted) -> None:
    """Else the refusals above would show nothing."""
    assert admin_of(secure.profile).is_reachable(within=20)


@pytest.mark.system
async def test_the_door_is_who_it_says_or_is_not_spoken_to(secure: Encrypted) -> None:
    url = f"https://{HOST}:{secure.door_port}/livez"
    for address, authority in ((url, secure.stranger.file), (url.replace(HOST, "localhost"), secure.authority.file)):
        context = ssl.create_default_context(cafile=authority)
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await session.get(address, ssl=context)
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientError):
            await session.get(url.replace("https", "http"))
        async with session.get(url) as response:
            assert response.status == 200


@pytest_asyncio.fixture
async def issuer_at(tmp_path: Path) -> AsyncIterator[tuple[str, Authority]]:
    """An issuer's https address, and who vouches for it."""
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


async def test_the_issuer_is_who_it_says_and_sends_nobody_on(
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


def settings_of(access: KafkaAccess, **changes: object) -> ServiceSettings:
    values: dict[str, object] = {
        "kafka_bootstrap": access.bootstrap,
        "kafka_security_protocol": access.security_protocol,
        "kafka_username": "registry",
        "kafka_password": "guess",
        "kafka_ca_file": access.ca_file,
        "postgres_dsn": "postgresql://registry@localhost/registry",
        "postgres_password": "guess",
        "http_port": 8080,
        "jwks": "/nowhere",
        "token_issuer": "https://issuer.example",
        "environment": "local",
    }
    return ServiceSettings(**{**values, **changes})  # type: ignore[arg-type]  # that is what it validates


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"kafka_security_protocol": "SASL_PLAINTEXT"}, "TLS to Kafka"),
        ({"token_issuer": ISSUER}, "refuses the local token issuer"),
        ({"http_tls_key": "/run/door.key"}, "set both"),
        ({"kafka_security_protocol": "PLAINTEXT"}, "SASL_PLAINTEXT"),
    ],
)
def test_production_starts_with_nothing_less(changes: dict[str, object], reason: str) -> None:
    access = KafkaAccess(bootstrap="kafka.example:9095", security_protocol="SASL_SSL")
    with pytest.raises(ValidationError, match=reason):
        settings_of(access, environment="production", **changes)


def test_production_is_what_a_service_is_unless_told() -> None:
    assert ServiceSettings.model_fields["environment"].default == "production"


@pytest.mark.system
async def test_a_database_that_offers_no_tls_is_not_spoken_to(secure: Encrypted) -> None:
    query = guide("sh")["SAMENSPEL_POSTGRES_DSN"].partition("?")[2]
    query = query.replace("/run/samenspel/ca.pem", str(secure.authority.file))
    with pytest.raises(ConnectionError, match="SSL"):
        await asyncpg.connect(f"{secure.system.databases.dsn('registry')}?{query}", password="guess")


def test_the_guide_names_real_settings() -> None:
    names = {name.removeprefix("SAMENSPEL_").lower() for name in guide("sh")}
    assert names <= set(ServiceSettings.model_fields)
