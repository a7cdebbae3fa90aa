"""TLS as in docs/tls.md: works with the right authority and name, and with nothing less."""

import asyncio
import ssl
from collections.abc import Iterator

import aiohttp
import asyncpg
import pytest
from aiokafka.errors import KafkaConnectionError
from samenspel.client.access.kafka import aiokafka_settings
from samenspel.client.access.profile import KafkaAccess
from samenspel.client.admin.admission import admit
from samenspel.client.admin.kafka_admin import KafkaAdmin, admin_of
from samenspel.client.submit.emit import emit
from samenspel.client.submit.statements import statement
from samenspel.contracts.organisations import OrganisationAdmitted

from tests.security.tls_system import HOST, Encrypted, encrypted, guide
from tests.support.events import initiative
from tests.support.kafka_protocol import speaking_as
from tests.support.organisations import unique_oin
from tests.support.settings import settings_of
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encrypted]:
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("SAMENSPEL_HOME", raising=False)
        with encrypted(tmp_path_factory.mktemp("tls")) as started:
            environment.setenv("SSL_CERT_FILE", str(started.authority.file))
            # aiohttp has read this variable during import
            trusting = ssl.create_default_context()
            environment.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", trusting)
            yield started


@pytest.mark.system
async def test_organisation_joins_and_submits_over_tls_only(secure: Encrypted) -> None:
    """Everything done by the operator and an organisation: users and rights, Kafka and HTTP, and the answers."""
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
async def test_client_that_cannot_verify_kafka_does_not_connect(
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
def test_client_that_verifies_kafka_connects(secure: Encrypted) -> None:
    """Else the refusals above would show nothing."""
    assert admin_of(secure.profile).is_reachable(within=20)


@pytest.mark.system
async def test_https_endpoint_without_a_valid_certificate_is_not_used(secure: Encrypted) -> None:
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


@pytest.mark.system
async def test_database_without_tls_is_not_used(secure: Encrypted) -> None:
    query = guide("sh")["SAMENSPEL_POSTGRES_DSN"].partition("?")[2]
    query = query.replace("/run/samenspel/ca.pem", str(secure.authority.file))
    with pytest.raises(ConnectionError, match="SSL"):
        await asyncpg.connect(f"{secure.system.databases.dsn('registry')}?{query}", password="guess")
