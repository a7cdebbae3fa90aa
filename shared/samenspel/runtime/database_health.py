"""The database's heartbeat: whether it answers this instance, asked all the time over a connection of its own.

An instance that has lost its database is alive to Kafka, which would leave it its partitions for as long as that
lasts: whoever they belong to would not be served, though another instance could.
"""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final

import asyncpg
import structlog

from samenspel.runtime.metrics import SILENCES
from samenspel.runtime.postgres import Connection

log = structlog.get_logger()

BEAT_SECONDS, PAUSE_SECONDS = 1.0, 0.2
ANSWER_SECONDS_MAX: Final = 2.0
SILENT_SECONDS_MAX: Final = 4.0
"""From the first question without an answer. Longer than a PostgreSQL that was killed refuses connections: that one
all instances have lost, and to share the partitions anew would only make them later."""

QUESTION: Final = "select 1"
WAIT: Final = asyncpg.CannotConnectNowError, asyncpg.TooManyConnectionsError
"""It is there, and takes nobody for a moment: it says the same to every instance."""


class DatabaseHeartbeat:
    """``connect`` makes a connection; ``silenced`` is called when the database has not answered for too long."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]], silenced: Callable[[], None]) -> None:
        self._connect = connect
        self._on_silent = silenced
        self._connection: Connection | None = None
        self._unanswered_since: float | None = None
        self.answers, self.silent = asyncio.Event(), asyncio.Event()
        """One of the two is set. At first it answers: else nothing would have been started."""
        self.answers.set()

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                await self.probe_once()
                await asyncio.sleep(BEAT_SECONDS if self._unanswered_since is None else PAUSE_SECONDS)
        finally:
            self._hang_up()

    async def probe_once(self) -> None:
        """Ask once.

        Silence counts from the end of the first question: to a process that was stopped, and wakes up amid one, the
        database was not silent.
        """
        if await self._is_answered():
            self._unanswered_since = None
            self.silent.clear()
            self.answers.set()
            return
        self._unanswered_since = self._unanswered_since or monotonic()
        if self.answers.is_set() and monotonic() - self._unanswered_since >= SILENT_SECONDS_MAX:
            log.error("the database is silent; others shall do the work")
            SILENCES.inc()
            self.answers.clear()
            self.silent.set()
            self._on_silent()

    async def _is_answered(self) -> bool:
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                if self._connection is None:
                    self._connection = await self._connect()
                await self._connection.execute(QUESTION)
            return True
        except WAIT:
            return True
        except Exception as error:
            log.warning("the database does not answer", error=repr(error))
            self._hang_up()
            return False

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


STORAGE_FULL_SECONDS: Final = 5.0
"""After a refusal. Then it is tried again: whoever is not ready is sent nothing that could show it."""


class StorageFull:
    """Remembers the last refusal (SQLSTATE class 53, insufficient resources) for a moment."""

    def __init__(self) -> None:
        self._until = 0.0
        self._said = ""

    def record_error(self, error: BaseException) -> None:
        """What stopped a transaction; nothing is remembered of what has other causes."""
        if isinstance(error, asyncpg.InsufficientResourcesError):
            self._until, self._said = monotonic() + STORAGE_FULL_SECONDS, str(error)

    @property
    def reason(self) -> str | None:
        """What the database said when it refused just now."""
        return self._said if monotonic() < self._until else None
