"""The real system, started in the home left by a crash (see conftest)."""

import asyncio
import sys
from pathlib import Path

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import GroupAuthorizationFailedError, TopicAuthorizationFailedError
from samenspel.client.access.profile import Credential
from samenspel.client.admin.access_policy import QUOTA_OF_ORGANISATION, acls_of_organisation
from samenspel.client.admin.kafka_admin import KafkaAdmin, KafkaAdminError
from samenspel.contracts.organisations import OPERATOR
from samenspel.contracts.topics import INITIATIVES, Topic, ingress, receipts, topics_of

from deploy.local.system import LocalSystem

pytestmark = pytest.mark.system

UTRECHT, DELFT = "00000099000000000344", "00000099000000000503"


@pytest.fixture(scope="module")
def utrecht(system: LocalSystem) -> Credential:
    """An admitted city, beside another city."""
    admin = system.kafka.admin()
    for oin in (UTRECHT, DELFT):
        admin.ensure_topics(topics_of(oin))
        admin.ensure_user(oin, f"password of {oin}")
        admin.ensure_acls(oin, acls_of_organisation(oin))
    assert KafkaAdmin(system.kafka.bootstrap, UTRECHT, f"password of {UTRECHT}").is_reachable(within=40)
    return Credential(name="Utrecht", oin=UTRECHT, username=UTRECHT, password=f"password of {UTRECHT}", token="-")


def access(system: LocalSystem, who: Credential) -> dict[str, str]:
    kafka = system.profile.system().kafka
    return {
        "bootstrap_servers": kafka.bootstrap,
        "security_protocol": kafka.security_protocol,
        "sasl_mechanism": kafka.sasl_mechanism,
        "sasl_plain_username": who.username,
        "sasl_plain_password": who.password,
    }


async def send(system: LocalSystem, who: Credential, topic: str) -> None:
    async with AIOKafkaProducer(**access(system, who), enable_idempotence=True) as producer:
        await producer.send_and_wait(topic, b"{}")


async def test_organisation_writes_its_own_ingress_only(system: LocalSystem, utrecht: Credential) -> None:
    await send(system, utrecht, ingress("initiatives", UTRECHT))
    for closed in (INITIATIVES, ingress("initiatives", DELFT), receipts("initiatives", UTRECHT)):
        with pytest.raises(TopicAuthorizationFailedError):
            await send(system, utrecht, closed)


async def test_organisation_reads_canonical_topics_and_its_own_receipts(
    system: LocalSystem, utrecht: Credential
) -> None:
    consumer = AIOKafkaConsumer(**access(system, utrecht), group_id=f"{UTRECHT}.replica")
    async with consumer:
        visible = await consumer.topics()
        assert {INITIATIVES, receipts("funding", UTRECHT)} <= visible
        assert not {topic for topic in visible if DELFT in topic}
        consumer.subscribe([INITIATIVES])
        await consumer.getmany(timeout_ms=1)


async def test_organisation_joins_its_own_groups_only(system: LocalSystem, utrecht: Credential) -> None:
    consumer = AIOKafkaConsumer(INITIATIVES, **access(system, utrecht), group_id="samenspel-registry")
    try:
        with pytest.raises(GroupAuthorizationFailedError):
            await asyncio.wait_for(consumer.start(), timeout=10)
    finally:
        await consumer.stop()


def test_only_the_operator_alters_the_cluster(system: LocalSystem, utrecht: Credential) -> None:
    stranger = KafkaAdmin(system.kafka.bootstrap, utrecht.username, utrecht.password)
    with pytest.raises(KafkaAdminError, match="cluster authorization failed"):
        stranger.ensure_user("mallory", "password")
    with pytest.raises(KafkaAdminError, match="quota of"):
        stranger.set_quota(UTRECHT, None)


def test_wrong_admin_password_is_reported_without_the_password(
    system: LocalSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("samenspel.client.admin.kafka_admin.REQUEST_SECONDS_MAX", 1.0)
    with pytest.raises(KafkaAdminError, match="user or password is wrong"):
        KafkaAdmin(system.kafka.bootstrap, "admin", "guess").topics()


def test_kafka_admin_creates_and_removes_users_topics_and_rights(system: LocalSystem) -> None:
    admin = system.kafka.admin()
    admin.ensure_user("temporary", "first password")
    admin.ensure_user("temporary", "second password")
    admin.set_quota("temporary", QUOTA_OF_ORGANISATION)
    admin.set_quota("temporary", None)
    assert "temporary" in admin.users()
    admin.remove_acls("temporary")
    admin.remove_user("temporary")
    admin.remove_user("temporary")
    assert "temporary" not in admin.users()
    with pytest.raises(KafkaAdminError, match="4 partitions instead of 5"):
        admin.ensure_topics([Topic(INITIATIVES, 5)])


async def test_service_enters_its_own_database_only(system: LocalSystem) -> None:
    own = await asyncpg.connect(system.databases.dsn_with_password("registry"))
    try:
        assert await own.fetchval("SELECT current_user") == "registry"
        assert await own.fetchval("SHOW fsync") == "on"
        assert await own.fetchval("SHOW synchronous_commit") == "on"
    finally:
        await own.close()
    for other in ("funding", "notifier", "postgres", "template1"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(system.databases.dsn_with_password("registry"), database=other)
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(system.databases.dsn("registry"), password="guess")


def secrets_of(home: Path) -> set[str]:
    files = [file for file in (home / "secrets").rglob("*") if file.is_file()]
    return {file.read_text() for file in files}


def test_no_secret_is_in_a_command_line_or_a_log(system: LocalSystem) -> None:
    secrets = secrets_of(system.home.path)
    assert len(secrets) >= 10
    logs = [file.read_text(errors="replace") for file in (system.home.path / "log").iterdir()]
    commands = [" ".join(one.info["cmdline"] or []) for one in psutil.process_iter(["cmdline"])]
    for text in (*logs, *commands):
        assert not [secret for secret in secrets if secret in text]


def test_every_file_with_a_secret_is_private(system: LocalSystem) -> None:
    closed = [system.home.secrets, system.home.profile, system.home.kafka, system.home.kafka_data]
    for folder in (*closed, system.home.postgres):
        assert folder.stat().st_mode & 0o077 == 0, folder


def test_operator_is_in_the_profile(system: LocalSystem) -> None:
    operator = system.profile.credential("samenspel operator")
    assert operator.oin == OPERATOR
    assert operator.token.count(".") == 2
    assert system.profile.admin().username == "admin"


def test_second_start_adopts_the_running_servers(system: LocalSystem) -> None:
    before = [daemon.process() for daemon in system.daemons().values()]
    again = LocalSystem(system.home.path)
    again.start(())
    assert [daemon.process() for daemon in again.daemons().values()] == before


def test_killed_servers_start_again_with_their_data(system: LocalSystem, utrecht: Credential) -> None:
    bootstrap = system.kafka.bootstrap
    system.kafka.kill()
    system.postgres.kill()
    system.start(())
    assert system.kafka.bootstrap == bootstrap
    assert set(topic.name for topic in topics_of(DELFT)) <= set(system.kafka.admin().topics())
    asyncio.run(send(system, utrecht, ingress("funding", UTRECHT)))


def test_stop_leaves_no_process_behind(system: LocalSystem) -> None:
    processes = [daemon.process() for daemon in system.daemons().values()]
    family = [child for one in processes if one for child in (one, *one.children(recursive=True))]
    assert len(family) > 4
    system.stop()
    assert not [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    system.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a process has mapped")
def test_later_start_uses_the_class_archive_of_an_earlier_one(system: LocalSystem) -> None:
    system.kafka.stop()
    system.kafka.start()
    process = system.kafka.daemon.process()
    assert process is not None
    assert [region for region in process.memory_maps() if Path(region.path).match("*/kafka-*.jsa")]
