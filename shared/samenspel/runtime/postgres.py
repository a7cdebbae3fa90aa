"""PostgreSQL connections: commits are durable, and every transaction of the pool is bounded in time."""

import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from samenspel.runtime.concurrency_limit import FairShare
from samenspel.runtime.dependencies import os_reason
from samenspel.runtime.limits import DATABASE_CONNECTIONS, acting_organisation
from samenspel.runtime.settings_mistakes import variable_name

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection = asyncpg.Connection[Any] | PoolConnectionProxy[Any]
    Pool = asyncpg.Pool[Any]
else:
    Connection = asyncpg.Connection
    Pool = asyncpg.Pool

TIMEOUTS: Final = {
    "transaction_timeout": "5s",
    "idle_in_transaction_session_timeout": "2s",
    "lock_timeout": "2s",
}
CONNECT_SECONDS_MAX: Final = 10.0
COMMAND_SECONDS_MAX: Final = 10.0
BACKOFF_SECONDS: Final = 0.3
QUERIES_PER_CONNECTION: Final = 50_000
IDLE_CONNECTION_SECONDS: Final = 300.0
OWN_CONNECTIONS: Final = 3
"""Connections that requests leave free, for Kafka ingress, groups over HTTP, relay, projections and deferrals."""
SHARE_SECONDS_MAX: Final = 3.0
"""Longest wait of a request for a connection; below the 5 seconds that a submission may take."""

NOT_DURABLE: Final = """
select name, setting from pg_settings
where name in ('fsync', 'full_page_writes', 'synchronous_commit') and setting = 'off' order by name
"""


_REASONS: Final = (
    (asyncpg.InvalidAuthorizationSpecificationError, "refuses the user or the password: check {dsn} and {password}"),
    (asyncpg.InvalidCatalogNameError, "has no database with the name in {dsn}"),
    (asyncpg.InsufficientPrivilegeError, "refuses the user in {dsn} a right that the service needs"),
    (asyncpg.TooManyConnectionsError, "has no connection left"),
    (asyncpg.InsufficientResourcesError, "cannot store: disk or memory is full"),
    (asyncpg.ReadOnlySQLTransactionError, "cannot store: the database is read-only"),
    (asyncpg.CannotConnectNowError, "is starting or stopping"),
    (asyncpg.UndefinedObjectError, "is older than version 17"),
    (asyncpg.ClientConfigurationError, "cannot be asked: {dsn} is not valid"),
    (ssl.SSLError, "has no certificate that is trusted: check sslmode and sslrootcert in {dsn}"),
    (TimeoutError, "does not answer at the address in {dsn}: time-out"),
)
"""Reason by error, the first that fits. asyncpg's texts contain names and addresses, which are not public."""


class NotDurable(Exception):
    """The server may lose confirmed commits: turn fsync, full_page_writes and synchronous_commit on."""


class FairPool(Pool):
    """A pool in which the requests of organisations share the connections fairly.

    The organisation is that of `limits.acting_organisation`. Work of the service itself has no share, and
    `OWN_CONNECTIONS` are kept free for that work.
    """

    def __init__(self, *arguments: Any, share: FairShare, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.share = share

    def acquire(self, *, timeout: float | None = None) -> Any:
        """As `asyncpg.Pool.acquire`, for use with ``async with``. Raises `LimitReached`."""
        organisation = acting_organisation.get()
        connection = super().acquire(timeout=timeout)
        return connection if organisation is None else self._shared(organisation, connection)

    @asynccontextmanager
    async def _shared(self, organisation: str, connection: Any) -> AsyncIterator[Connection]:
        async with self.share.slot(organisation), connection as acquired:
            yield acquired


async def create_pool(
    dsn: str, password: str, application: str, connections: int, percent: int = DATABASE_CONNECTIONS.default
) -> Pool:
    """A pool with `TIMEOUTS` on every transaction. Raises `NotDurable` if the server may lose a commit.

    ``percent`` is the largest share of one organisation; see `FairShare`.
    """
    shared = max(1, connections - OWN_CONNECTIONS)
    pool = FairPool(
        dsn,
        share=FairShare(DATABASE_CONNECTIONS, shared, percent, SHARE_SECONDS_MAX),
        password=password,
        init_size=None,
        min_size=2,
        max_size=connections,
        max_queries=QUERIES_PER_CONNECTION,
        max_inactive_connection_lifetime=IDLE_CONNECTION_SECONDS,
        connection_class=asyncpg.Connection,
        record_class=asyncpg.Record,
        setup=None,
        init=None,
        loop=None,
        timeout=CONNECT_SECONDS_MAX,
        command_timeout=COMMAND_SECONDS_MAX,
        server_settings={**TIMEOUTS, "application_name": application},
        connect=ConnectBackoff(),
        reset=_no_reset,
    )
    await pool
    found = [row["name"] for row in await pool.fetch(NOT_DURABLE)]
    if found:
        await pool.close()
        raise NotDurable(f"{NotDurable.__doc__} Off: {', '.join(found)}.")
    return pool


def unavailable_reason(error: BaseException) -> str:
    """Reason why PostgreSQL cannot be used, without address, name or value; constant for one cause."""
    names = {"dsn": variable_name("postgres_dsn"), "password": variable_name("postgres_password")}
    for kind, text in _REASONS:
        if isinstance(error, kind):
            return "PostgreSQL " + text.format_map(names)
    if isinstance(error, OSError):
        return f"PostgreSQL cannot be reached at the address in {names['dsn']}: {os_reason(error)}"
    is_ours = type(error).__module__.startswith("samenspel.")
    return f"PostgreSQL cannot be used: {error if is_ours else type(error).__name__}"


class ConnectBackoff:
    """Connects. For `BACKOFF_SECONDS` after a refused connection, attempts fail without contacting the server.

    A recovering server needs its processors, and each connection attempt starts a server process.
    """

    def __init__(self) -> None:
        self._retry_at = 0.0

    async def __call__(self, *arguments: Any, **settings: Any) -> Any:
        if time.monotonic() < self._retry_at:
            raise ConnectionRefusedError("PostgreSQL refused a connection a moment ago")
        try:
            return await asyncpg.connect(*arguments, **settings)
        except (OSError, asyncpg.CannotConnectNowError):
            self._retry_at = time.monotonic() + BACKOFF_SECONDS
            raise


async def connect(dsn: str, password: str, application: str) -> Connection:
    """A single connection outside the pool, without `TIMEOUTS`."""
    return await asyncpg.connect(
        dsn,
        password=password,
        timeout=CONNECT_SECONDS_MAX,
        command_timeout=COMMAND_SECONDS_MAX,
        server_settings={"application_name": application},
    )


def terminate_connections(pool: Pool) -> None:
    """Terminate the connections of ``pool``. Pending calls fail at once; the next call opens a new connection.

    asyncpg's methods either wait for pending calls or close the pool.
    """
    inside: Any = pool
    for holder in inside._holders:
        holder.terminate()


async def _no_reset(connection: Connection) -> None:
    """Skip the session reset, which costs a round trip. No code of the services changes session state.

    The pool rolls back an open transaction before this call.
    """
