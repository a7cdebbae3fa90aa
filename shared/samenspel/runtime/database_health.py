"""Health of PostgreSQL as seen by this instance: a heartbeat over a separate connection, and full storage.

Kafka considers an instance without a database to be alive and leaves its partitions assigned. The organisations of
those partitions would not be served, although another instance could serve them.
"""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final

import asyncpg
import structlog

from samenspel.runtime.metrics import DATABASE_SILENCES
from samenspel.runtime.postgres import Connection

log = structlog.get_logger()

PROBE_SECONDS, RETRY_SECONDS = 1.0, 0.2
ANSWER_SECONDS_MAX: Final = 2.0
SILENT_SECONDS_MAX: Final = 4.0
"""Counted from the first failed probe. Longer than the restart of a killed PostgreSQL: all instances lose that server
together, and a rebalance of partitions would only add delay."""

PROBE: Final = "select 1"
BUSY: Final = asyncpg.CannotConnectNowError, asyncpg.TooManyConnectionsError
"""Errors of a reachable server that accepts no connections for now; every instance receives the same error."""


class DatabaseHeartbeat:
    """Probes PostgreSQL until cancelled. ``on_silent`` is called after `SILENT_SECONDS_MAX` without an answer."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]], on_silent: Callable[[], None]) -> None:
        self._connect = connect
        self._on_silent = on_silent
        self._connection: Connection | None = None
        self._unanswered_since: float | None = None
        self.answers, self.silent = asyncio.Event(), asyncio.Event()
        """Exactly one of both events is set. Initially ``answers``: the service started with a working database."""
        self.answers.set()

    async def run(self) -> None:
        """Probe until cancelled."""
        try:
            while True:
                await self.probe_once()
                await asyncio.sleep(PROBE_SECONDS if self._unanswered_since is None else RETRY_SECONDS)
        finally:
            self._disconnect()

    async def probe_once(self) -> None:
        """Probe once.

        Silence is counted from the end of the first failed probe. A process that was suspended during a probe
        therefore does not count the suspension as silence of the database.
        """
        if await self._is_answered():
            self._unanswered_since = None
            self.silent.clear()
            self.answers.set()
            return
        self._unanswered_since = self._unanswered_since or monotonic()
        if self.answers.is_set() and monotonic() - self._unanswered_since >= SILENT_SECONDS_MAX:
            log.error("PostgreSQL does not answer; partitions are released to other instances")
            DATABASE_SILENCES.inc()
            self.answers.clear()
            self.silent.set()
            self._on_silent()

    async def _is_answered(self) -> bool:
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                if self._connection is None:
                    self._connection = await self._connect()
                await self._connection.execute(PROBE)
            return True
        except BUSY:
            return True
        except Exception as error:
            log.warning("PostgreSQL probe failed", error=repr(error))
            self._disconnect()
            return False

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


STORAGE_FULL_SECONDS: Final = 5.0
"""Time to report full storage after an error. An unready instance receives no work that could show recovery, so the
report expires."""


class StorageFull:
    """Keeps the last error of SQLSTATE class 53 (insufficient resources) for `STORAGE_FULL_SECONDS`."""

    def __init__(self) -> None:
        self._until = 0.0
        self._error_text = ""

    def record_error(self, error: BaseException) -> None:
        """Keep ``error``, which ended a transaction, if PostgreSQL reported insufficient resources."""
        if isinstance(error, asyncpg.InsufficientResourcesError):
            self._until, self._error_text = monotonic() + STORAGE_FULL_SECONDS, str(error)

    @property
    def reason(self) -> str | None:
        """Error text of the last `STORAGE_FULL_SECONDS`; None if there was no such error."""
        return self._error_text if monotonic() < self._until else None
