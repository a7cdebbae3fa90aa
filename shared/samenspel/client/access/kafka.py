"""Kafka connections of an organisation, and error messages for failed connections."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ssl import create_default_context
from typing import Any, Final, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import KafkaConnectionError, KafkaError, SaslAuthenticationFailed

from samenspel.client.access.errors import EnvironmentUnavailable
from samenspel.client.access.profile import Credential, KafkaAccess

Client = TypeVar("Client", AIOKafkaConsumer, AIOKafkaProducer)
START_SECONDS_MAX: Final = 10.0
CONNECT_SECONDS_MAX: Final = 2.0


def aiokafka_settings(access: KafkaAccess, credential: Credential) -> dict[str, Any]:
    """Connection settings for aiokafka."""
    encrypted = access.security_protocol == "SASL_SSL"
    return {
        "bootstrap_servers": access.bootstrap,
        "security_protocol": access.security_protocol,
        "sasl_mechanism": access.sasl_mechanism,
        "sasl_plain_username": credential.username,
        "sasl_plain_password": credential.password,
        "client_id": f"samenspel-{credential.oin}",
        **({"ssl_context": create_default_context(cafile=access.ca_file)} if encrypted else {}),
    }


def librdkafka_settings(access: KafkaAccess, credential: Credential) -> dict[str, Any]:
    """Connection settings for librdkafka."""
    return {
        "bootstrap.servers": access.bootstrap,
        "security.protocol": access.security_protocol,
        "sasl.mechanism": access.sasl_mechanism,
        "sasl.username": credential.username,
        "sasl.password": credential.password,
        "client.id": f"samenspel-{credential.oin}",
        **({"ssl.ca.location": str(access.ca_file)} if access.ca_file else {}),
    }


@asynccontextmanager
async def connect(client: Client, access: KafkaAccess, credential: Credential) -> AsyncIterator[Client]:
    """Start an aiokafka client and stop the client at the end. Raises EnvironmentUnavailable."""
    try:
        try:
            async with asyncio.timeout(START_SECONDS_MAX):
                await client.start()
        except (KafkaConnectionError, TimeoutError):
            raise EnvironmentUnavailable(await _connection_error(access, credential)) from None
        except KafkaError as error:
            raise EnvironmentUnavailable(f"Kafka at {access.bootstrap} refused {credential.name}: {error}") from None
        yield client
    finally:
        await client.stop()


def unreachable_message(access: KafkaAccess) -> str:
    return (
        f"Kafka at {access.bootstrap} does not answer: start a local system with `samenspel up`, "
        "or correct the address in system.json of your profile"
    )


def access_refused_message(access: KafkaAccess, name: str) -> str:
    return (
        f"Kafka at {access.bootstrap} refuses user or password of {name}: "
        "ask the operator for a new password (`samenspel organisation admit`)"
    )


async def _connection_error(access: KafkaAccess, credential: Credential) -> str:
    """Message for a failed start, from the error of one more connection: aiokafka's clients hide that error."""
    settings = aiokafka_settings(access, credential)
    message = unreachable_message(access)
    for host, port, _ in collect_hosts(settings.pop("bootstrap_servers")):
        try:
            async with asyncio.timeout(CONNECT_SECONDS_MAX):
                connection = await create_conn(host, port, **settings)
                connection.close()
        except SaslAuthenticationFailed:
            return access_refused_message(access, credential.name)
        except KafkaConnectionError:
            message = (
                f"Kafka at {access.bootstrap} ends the connection: correct the address or security_protocol "
                "in system.json of your profile"
            )
        except (OSError, TimeoutError, KafkaError):
            continue
    return message
