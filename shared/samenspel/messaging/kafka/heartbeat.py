"""Heartbeat of Kafka: a connection of its own, which tells why Kafka cannot be reached.

aiokafka's clients only log the reason, and raise an error without it. The connection has no consumer group and reads
no topic: the heartbeat costs one small request per probe.
"""

import asyncio
import ssl
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from aiokafka import errors
from aiokafka.conn import AIOKafkaConnection, collect_hosts, create_conn
from aiokafka.protocol.admin import ApiVersionRequest

from samenspel.runtime.dependencies import Dependency, os_reason
from samenspel.runtime.settings_mistakes import variable_name

PROBE_SECONDS: Final = 2.0
RETRY_SECONDS: Final = 0.5
ANSWER_SECONDS_MAX: Final = 4.0
_CREDENTIALS: Final = (
    errors.AuthenticationFailedError,
    errors.SaslAuthenticationFailed,
    errors.IllegalSaslStateError,
    errors.UnsupportedSaslMechanismError,
)
_CONNECTION_SETTINGS: Final = (
    "client_id",
    "security_protocol",
    "ssl_context",
    "sasl_mechanism",
    "sasl_plain_username",
    "sasl_plain_password",
)


class KafkaHeartbeat:
    """Probes Kafka until cancelled; ``kafka`` learns the result. ``settings`` are aiokafka's connection settings."""

    def __init__(self, settings: Mapping[str, Any], kafka: Dependency) -> None:
        self._hosts = str(settings["bootstrap_servers"])
        self._settings = {name: settings[name] for name in _CONNECTION_SETTINGS if name in settings}
        self._kafka = kafka
        self._connection: AIOKafkaConnection | None = None

    async def run(self) -> None:
        """Probe until cancelled."""
        try:
            while True:
                await self.probe_once()
                await asyncio.sleep(RETRY_SECONDS if self._kafka.problem else PROBE_SECONDS)
        finally:
            self._disconnect()

    async def probe_once(self) -> None:
        """Probe once. Kafka closes a connection that must authenticate again: a new connection is tried before."""
        if self._connection is not None and await self._is_answered(self._connection):
            return self._kafka.works()
        self._disconnect()
        try:
            self._connection = await self._connect_to_any()
        except Exception as error:
            return self._kafka.failed(kafka_unavailable_reason(error))
        return self._kafka.works()

    async def _connect_to_any(self) -> AIOKafkaConnection:
        """A connection to the first broker that answers. Raises the error of the last broker."""
        hosts = collect_hosts(self._hosts)
        for host, port, _ in hosts[:-1]:
            with suppress(Exception):
                return await self._connect(host, port)
        return await self._connect(*hosts[-1][:2])

    async def _connect(self, host: str, port: int) -> AIOKafkaConnection:
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            milliseconds = int(ANSWER_SECONDS_MAX * 1_000)
            return await create_conn(host, port, request_timeout_ms=milliseconds, **self._settings)

    async def _is_answered(self, connection: AIOKafkaConnection) -> bool:
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                await connection.send(ApiVersionRequest())
        except Exception:
            return False
        return True

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def kafka_unavailable_reason(error: BaseException) -> str:
    """Reason why Kafka cannot be used, without address, name or value; constant for one cause."""
    if isinstance(error, _CREDENTIALS):
        return (
            "Kafka refuses the user or the password: "
            f"check {variable_name('kafka_username')} and {variable_name('kafka_password')}"
        )
    if isinstance(error, ssl.SSLError):
        return (
            "TLS to Kafka fails: "
            f"check {variable_name('kafka_ca_file')} and the certificate of {variable_name('kafka_bootstrap')}"
        )
    detail = "no answer in time" if isinstance(error, TimeoutError) else type(error).__name__.lower()
    if isinstance(error, OSError) and error.errno:
        detail = os_reason(error)
    return f"Kafka cannot be reached at the address in {variable_name('kafka_bootstrap')}: {detail}"
