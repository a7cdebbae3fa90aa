"""One database, role and password per service; a service has no access to the database of another service."""

import asyncio
import base64
import hashlib
import hmac
import os
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from deploy.local.errors import LocalEnvironmentUnavailable, LocalSystemError
from deploy.local.secrets import Secrets

NAMED_SERVER: Final = "SAMENSPEL_POSTGRES_DSN"
"""Environment variable with the URL of a superuser of an existing server."""
OLDEST_VERSION: Final = 170_000
"""``server_version_num`` of PostgreSQL 17, the first with ``transaction_timeout``."""
CLOSE_OTHERS: Final = "REVOKE CONNECT, TEMPORARY ON DATABASE postgres, template1 FROM PUBLIC"
"""By default every role may enter these databases; a superuser still may."""
SCRAM_ITERATIONS: Final = 4096


class Databases:
    """The databases of the services on the server at ``admin_dsn``, a superuser's URL."""

    def __init__(self, admin_dsn: str, secrets: Secrets) -> None:
        self._admin_dsn = admin_dsn
        self._secrets = secrets

    def ensure(self, services: Iterable[str]) -> None:
        """Create missing databases and roles; may be repeated after a crash.

        Raises EnvironmentUnavailable if the server is unreachable or too old.
        """
        asyncio.run(self._ensure(services))

    def dsn(self, service: str) -> str:
        """The service's own DSN, without its password."""
        return self._dsn(service, service)

    def dsn_with_password(self, service: str) -> str:
        return self._dsn(service, f"{service}:{quote(self._password(service), safe='')}")

    def _password(self, service: str) -> str:
        return self._secrets[f"{service}/postgres_password"]

    def _dsn(self, service: str, user: str) -> str:
        server = urlsplit(self._admin_dsn)
        address = server.netloc.rpartition("@")[2]
        return urlunsplit((server.scheme, f"{user}@{address}", f"/{service}", server.query, ""))

    async def _ensure(self, services: Iterable[str]) -> None:
        try:
            connection = await asyncpg.connect(self._admin_dsn, timeout=15)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
            raise LocalEnvironmentUnavailable(
                f"cannot connect to the PostgreSQL server as superuser ({error}): check {NAMED_SERVER}, "
                "or unset the variable to use a local server"
            ) from None
        try:
            version = connection.get_server_version().major
            if version * 10_000 < OLDEST_VERSION:
                raise LocalEnvironmentUnavailable(
                    f"the PostgreSQL server has version {version}: version 17 or newer is required"
                )
            for service in services:
                await self._ensure_service(connection, service)
            await connection.execute(CLOSE_OTHERS)
        except asyncpg.PostgresError as error:
            raise LocalSystemError(f"PostgreSQL refused to create the databases: {error}") from None
        finally:
            await connection.close()

    async def _ensure_service(self, connection: "asyncpg.Connection[asyncpg.Record]", service: str) -> None:
        role = f'"{service}"'
        if not await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", service):
            await connection.execute(f"CREATE ROLE {role}")
        await connection.execute(f"ALTER ROLE {role} LOGIN PASSWORD '{scram_verifier(self._password(service))}'")
        if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", service):
            await connection.execute(f"CREATE DATABASE {role} OWNER {role}")
        await connection.execute(f"REVOKE CONNECT, TEMPORARY ON DATABASE {role} FROM PUBLIC")


def scram_verifier(password: str) -> str:
    """SCRAM verifier (RFC 5802), computed by the client, so that no SQL statement contains the password."""
    salt = os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, SCRAM_ITERATIONS)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    stored_key = hashlib.sha256(client_key).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    texts = [base64.b64encode(part).decode() for part in (salt, stored_key, server_key)]
    return f"SCRAM-SHA-256${SCRAM_ITERATIONS}:{texts[0]}${texts[1]}:{texts[2]}"
