"""A database that refuses to store is told of for a moment, and then tried again."""

import asyncpg
import pytest
from samenspel.runtime import database_health as room


def test_a_refusal_is_remembered_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(room, "monotonic", lambda: now)
    looked_at = room.StorageFull()
    assert looked_at.reason is None
    looked_at.record_error(asyncpg.DiskFullError("no space left on device"))
    assert looked_at.reason == "no space left on device"
    now += room.STORAGE_FULL_SECONDS
    assert looked_at.reason is None


def test_what_has_another_cause_says_nothing_about_room() -> None:
    looked_at = room.StorageFull()
    for error in (asyncpg.LockNotAvailableError("locked"), TimeoutError(), OSError("reset")):
        looked_at.record_error(error)
    assert looked_at.reason is None
