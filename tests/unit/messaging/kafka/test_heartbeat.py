"""The heartbeat of Kafka names the reason, without an address, and keeps one connection while Kafka answers."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiokafka import errors
from samenspel.messaging.kafka import heartbeat
from samenspel.messaging.kafka.heartbeat import KafkaHeartbeat, kafka_unavailable_reason
from samenspel.runtime.dependencies import Dependency

SETTINGS = {
    "security_protocol": "SASL_PLAINTEXT",
    "sasl_mechanism": "SCRAM-SHA-512",
    "sasl_plain_username": "registry",
    "sasl_plain_password": "geheim",
    "retry_backoff_ms": 250,
}


class Connection:
    """A connection that answers until ``error`` is set."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.requests = 0
        self.is_closed = False

    async def send(self, request: object) -> None:
        self.requests += 1
        if self.error:
            raise self.error

    def close(self) -> None:
        self.is_closed = True


def beating(monkeypatch: pytest.MonkeyPatch, hosts: str, *results: Any) -> tuple[KafkaHeartbeat, Dependency]:
    """A heartbeat whose connection attempts have these results, in order."""
    left = list(results)

    async def create_conn(host: str, port: int, **settings: object) -> Any:
        assert settings["sasl_plain_username"] == "registry"
        assert "retry_backoff_ms" not in settings
        result = left.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    monkeypatch.setattr(heartbeat, "create_conn", create_conn)
    kafka = Dependency("kafka")
    return KafkaHeartbeat({**SETTINGS, "bootstrap_servers": hosts}, kafka), kafka


async def test_single_connection_serves_while_kafka_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = Connection()
    beat, kafka = beating(monkeypatch, "a:1", connection)
    for _ in range(3):
        await beat.probe_once()
    assert kafka.problem is None
    assert (connection.requests, connection.is_closed) == (2, False)


async def test_a_connection_that_kafka_closed_is_made_again_before_anything_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Kafka closes a session that must authenticate again."""
    first, second = Connection(), Connection()
    beat, kafka = beating(monkeypatch, "a:1", first, second)
    await beat.probe_once()
    first.error = errors.KafkaConnectionError()
    await beat.probe_once()
    assert kafka.problem is None
    assert (first.is_closed, second.is_closed) == (True, False)


async def test_any_broker_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    beat, kafka = beating(monkeypatch, "a:1,b:2,c:3", OSError(), errors.KafkaConnectionError(), Connection())
    await beat.probe_once()
    assert kafka.problem is None


async def test_the_reason_is_told_and_ends_with_the_first_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = errors.SaslAuthenticationFailed("Authentication failed for registry")
    beat, kafka = beating(monkeypatch, "a:1", refused, Connection())
    await beat.probe_once()
    assert kafka.problem and "SAMENSPEL_KAFKA_PASSWORD" in kafka.problem
    await beat.probe_once()
    assert kafka.problem is None


@pytest.mark.parametrize("hosts", ["kafka", "kafka:many", ""])
async def test_an_address_that_is_none_is_told(hosts: str) -> None:
    kafka = Dependency("kafka")
    await KafkaHeartbeat({**SETTINGS, "bootstrap_servers": hosts}, kafka).probe_once()
    assert kafka.problem and "SAMENSPEL_KAFKA_BOOTSTRAP" in kafka.problem


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ConnectionRefusedError(111, "Connect call failed ('10.0.0.1', 9092)"), "SAMENSPEL_KAFKA_BOOTSTRAP"),
        (TimeoutError(), "no answer in time"),
        (errors.KafkaConnectionError("Connection at 10.0.0.1:9092 closed"), "kafkaconnectionerror"),
        (ssl.SSLCertVerificationError("certificate verify failed for 10.0.0.1"), "SAMENSPEL_KAFKA_CA_FILE"),
        (errors.UnsupportedSaslMechanismError(), "SAMENSPEL_KAFKA_USERNAME"),
    ],
)
def test_a_reason_names_the_setting_and_no_address(error: Exception, text: str) -> None:
    reason = kafka_unavailable_reason(error)
    assert text in reason
    assert "10.0.0.1" not in reason


Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def test_a_server_that_says_nothing_is_waited_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "ANSWER_SECONDS_MAX", 0.2)

    async def be_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(be_silent, "127.0.0.1", 0)
    kafka = Dependency("kafka")
    async with server:
        port = server.sockets[0].getsockname()[1]
        await KafkaHeartbeat({**SETTINGS, "bootstrap_servers": f"127.0.0.1:{port}"}, kafka).probe_once()
    assert kafka.problem and "no answer in time" in kafka.problem
