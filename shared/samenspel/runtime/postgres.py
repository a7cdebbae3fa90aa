"""PostgreSQL as the law wants it: durable, and with no transaction that could halt the others by stopping."""

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

TIME_OUTS: Final = {
    "transaction_timeout": "5s",
    "idle_in_transaction_session_timeout": "2s",
    "lock_timeout": "2s",
}
CONNECT_SECONDS_MAX: Final = 10.0
COMMAND_SECONDS_MAX: Final = 10.0
KNOCK_SECONDS: Final = 0.3

NOT_DURABLE: Final = """
select name, setting from pg_settings
where name in ('fsync', 'full_page_writes', 'synchronous_commit') and setting = 'off' order by name
"""


class NotDurable(Exception):
    """The server forgets what it confirmed: turn fsync, full_page_writes and synchronous_commit on."""


async def create_pool(dsn: str, password: str, application: str, connections: int) -> Pool:
    """A pool whose every transaction is bounded. Raises `NotDurable` on a server that may lose a commit."""
    pool = asyncpg.create_pool(
        dsn,
        password=password,
        min_size=2,
        max_size=connections,
        timeout=CONNECT_SECONDS_MAX,
        command_timeout=COMMAND_SECONDS_MAX,
        server_settings={**TIME_OUTS, "application_name": application},
        connect=Knocking(),
        reset=_as_it_is,
    )
    await pool
    found = [row["name"] for row in await pool.fetch(NOT_DURABLE)]
    if found:
        await pool.close()
        raise NotDurable(f"{NotDurable.__doc__} Now off: {', '.join(found)}.")
    return pool


class Knocking:
    """Connects; for a moment after a refusal everybody who asks is refused at once.

    A server that recovers needs its processors; many ask whether it is back, and each answer costs it a process.
    """

    def __init__(self) -> None:
        self._again = 0.0

    async def __call__(self, *arguments: Any, **settings: Any) -> Any:
        if time.monotonic() < self._again:
            raise ConnectionRefusedError("PostgreSQL took no connections a moment ago")
        try:
            return await asyncpg.connect(*arguments, **settings)
        except (OSError, asyncpg.CannotConnectNowError):
            self._again = time.monotonic() + KNOCK_SECONDS
            raise


async def connect(dsn: str, password: str, application: str) -> Connection:
    """A connection beside every pool."""
    return await asyncpg.connect(
        dsn,
        password=password,
        timeout=CONNECT_SECONDS_MAX,
        command_timeout=COMMAND_SECONDS_MAX,
        server_settings={"application_name": application},
    )


def hang_up(pool: Pool) -> None:
    """End its connections now: whoever waits on one fails at once, and the next question goes over a new one.

    asyncpg's own ways either wait for those who wait, or end the pool.
    """
    inside: Any = pool
    for holder in inside._holders:
        holder.terminate()


async def _as_it_is(connection: Connection) -> None:
    """Nobody leaves anything in a session, so there is nothing to reset: that would cost a round trip each time.

    An open transaction is rolled back by the pool before this.
    """
