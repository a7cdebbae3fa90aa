"""When a database counts as silent: not at the first question without an answer, and not for saying *wait*."""

import asyncio
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
from samenspel.runtime import database_health
from samenspel.runtime import database_health as room
from samenspel.runtime.database_health import ANSWER_SECONDS_MAX, SILENT_SECONDS_MAX, DatabaseHeartbeat


class Database:
    """Connects, and answers or raises ``refusal``. ``dropped`` counts terminated connections."""

    def __init__(self) -> None:
        self.refusal: Exception | None = None
        self.dropped = self.silences = 0
        self.heartbeat = DatabaseHeartbeat(self._connect, self._silenced)

    async def _connect(self) -> Any:
        return self

    async def execute(self, question: str) -> None:
        if self.refusal:
            raise self.refusal

    def terminate(self) -> None:
        self.dropped += 1

    def _silenced(self) -> None:
        self.silences += 1


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    made = Clock()
    monkeypatch.setattr(database_health, "monotonic", made)
    return made


@pytest.mark.parametrize("refusal", [OSError("refused"), TimeoutError(), asyncpg.ConnectionDoesNotExistError()])
async def test_database_without_an_answer_is_silent_after_its_time(clock: Clock, refusal: Exception) -> None:
    database = Database()
    database.refusal = refusal
    await database.heartbeat.probe_once()
    clock.now += SILENT_SECONDS_MAX - 0.1
    await database.heartbeat.probe_once()
    assert database.heartbeat.answers.is_set()
    clock.now += 0.1
    await database.heartbeat.probe_once()
    await database.heartbeat.probe_once()
    assert database.heartbeat.silent.is_set()
    assert not database.heartbeat.answers.is_set()
    assert (database.silences, database.dropped) == (1, 4)


async def test_first_answer_ends_the_silence(clock: Clock) -> None:
    database = Database()
    database.refusal = OSError("refused")
    await database.heartbeat.probe_once()
    clock.now += SILENT_SECONDS_MAX
    await database.heartbeat.probe_once()
    database.refusal = None
    await database.heartbeat.probe_once()
    assert database.heartbeat.answers.is_set()
    assert not database.heartbeat.silent.is_set()


@pytest.mark.parametrize("refusal", [asyncpg.CannotConnectNowError("starting up"), asyncpg.TooManyConnectionsError()])
async def test_database_that_refuses_for_a_moment_is_not_silent(clock: Clock, refusal: Exception) -> None:
    """PostgreSQL in crash recovery tells every instance to wait: no other instance could work."""
    database = Database()
    database.refusal = refusal
    await database.heartbeat.probe_once()
    clock.now += SILENT_SECONDS_MAX
    await database.heartbeat.probe_once()
    assert database.silences == 0


async def test_process_stopped_during_a_query_asks_again(clock: Clock) -> None:
    database = Database()
    database.refusal = TimeoutError()
    clock.now += 10 * ANSWER_SECONDS_MAX
    await database.heartbeat.probe_once()
    database.refusal = None
    await database.heartbeat.probe_once()
    assert database.silences == 0


async def test_heartbeat_query_is_bounded_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A half-open connection gives neither answer nor end."""
    monkeypatch.setattr(database_health, "ANSWER_SECONDS_MAX", 0.01)
    database = Database()

    async def hang(question: str) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(database, "execute", hang)
    await database.heartbeat.probe_once()
    assert database.dropped == 1


def test_refusal_to_store_is_remembered_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(room, "monotonic", lambda: now)
    looked_at = room.StorageFull()
    assert looked_at.reason is None
    looked_at.record_error(asyncpg.DiskFullError("no space left on device"))
    assert looked_at.reason == "no space left on device"
    now += room.STORAGE_FULL_SECONDS
    assert looked_at.reason is None


def test_other_error_is_no_full_storage() -> None:
    looked_at = room.StorageFull()
    for error in (asyncpg.LockNotAvailableError("locked"), TimeoutError(), OSError("reset")):
        looked_at.record_error(error)
    assert looked_at.reason is None
