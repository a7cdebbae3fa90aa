"""PostgreSQL connections: commits are durable, and every transaction of the pool is bounded in time."""

import time
from typing import TYPE_CHECKING, Any, Final

import asyncpg

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

NOT_DURABLE: Final = """
select name, setting from pg_settings
where name in ('fsync', 'full_page_writes', 'synchronous_commit') and setting = 'off' order by name
"""


class NotDurable(Exception):
    """The server may lose confirmed commits: turn fsync, full_page_writes and synchronous_commit on."""


async def create_pool(dsn: str, password: str, application: str, connections: int) -> Pool:
    """A pool with `TIMEOUTS` on every transaction. Raises `NotDurable` if the server may lose a commit."""
    pool = asyncpg.create_pool(
        dsn,
        password=password,
        min_size=2,
        max_size=connections,
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
