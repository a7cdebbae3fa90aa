"""Connecting to Kafka as an organisation: settings of both client libraries, and the reason of a failure."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from samenspel.client.access.errors import EnvironmentUnavailable
from samenspel.client.access.kafka import aiokafka_settings, connect, librdkafka_settings
from samenspel.client.access.profile import Credential, KafkaAccess

from tests.support.certificates import Authority

OIN = "00000099000000000344"
UTRECHT = Credential(name="Gemeente Utrecht", oin=OIN, username="user", password="secret", token="t")
NOWHERE = KafkaAccess(bootstrap="127.0.0.1:1", security_protocol="SASL_PLAINTEXT")


def test_both_libraries_get_the_same_access() -> None:
    ours, theirs = aiokafka_settings(NOWHERE, UTRECHT), librdkafka_settings(NOWHERE, UTRECHT)
    for one, other in {
        "bootstrap_servers": "bootstrap.servers",
        "security_protocol": "security.protocol",
        "sasl_mechanism": "sasl.mechanism",
        "sasl_plain_username": "sasl.username",
        "sasl_plain_password": "sasl.password",
        "client_id": "client.id",
    }.items():
        assert ours[one] == theirs[other]
    assert "ssl_context" not in ours
    assert "ssl.ca.location" not in theirs


def test_encrypted_access_trusts_the_named_authority_only(tmp_path: Path) -> None:
    authority = Authority.make(tmp_path, "authority").file
    access = KafkaAccess(bootstrap="kafka.example:9095", security_protocol="SASL_SSL", ca_file=authority)
    context = aiokafka_settings(access, UTRECHT)["ssl_context"]
    assert context.check_hostname
    assert len(context.get_ca_certs()) == 1
    assert librdkafka_settings(access, UTRECHT)["ssl.ca.location"] == str(authority)


async def refusal(access: KafkaAccess) -> str:
    client: Any = AIOKafkaProducer(**aiokafka_settings(access, UTRECHT), request_timeout_ms=500)
    with pytest.raises(EnvironmentUnavailable) as error:
        async with connect(client, access, UTRECHT.name):
            pass
    return str(error.value)


async def test_kafka_where_nobody_listens_does_not_answer() -> None:
    assert "does not answer" in await refusal(NOWHERE)


async def test_kafka_that_ends_the_connection_does_not_let_the_user_in() -> None:
    """A broker closes the connection of a user with a wrong password."""

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        said = await refusal(NOWHERE.model_copy(update={"bootstrap": f"127.0.0.1:{port}"}))
    assert "refuses user or password of Gemeente Utrecht" in said
