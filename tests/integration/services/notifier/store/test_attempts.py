"""The attempt log: latest first, deleted after the retention days."""

import pytest

from services.notifier.store import attempts
from tests.support.notifier_schema import NotifierSchema

ADD = "insert into attempt (subscription_id, event_id, seconds, status) values ($1, $2, 0.1, 204)"


async def test_attempts_are_listed_latest_first_and_forgotten_after_their_days(notifier: NotifierSchema) -> None:
    pool, identity = notifier.room.pool, (await notifier.subscribe()).subscription_id
    for event in ("first", "second", "third"):
        await pool.execute(ADD, identity, event)
    assert [row["event_id"] for row in await attempts.attempts(pool, identity, 2)] == ["third", "second"]
    await pool.execute("update attempt set attempted_at = now() - interval '31 days' where event_id = 'first'")
    await attempts.delete_old(pool, 30)
    assert [row["event_id"] for row in await attempts.attempts(pool, identity, 9)] == ["third", "second"]


async def test_log_keeps_the_latest_attempts_of_each_subscription(
    notifier: NotifierSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failing receiver of one subscription does not shorten the log of another."""
    monkeypatch.setattr(attempts, "KEPT_MAX", 3)
    pool = notifier.room.pool
    failing, other = (await notifier.subscribe()).subscription_id, (await notifier.subscribe()).subscription_id
    await pool.execute(ADD, other, "only")
    for number in range(10):
        await pool.execute(ADD, failing, str(number))
    await attempts.delete_old(pool, 30)
    assert [row["event_id"] for row in await attempts.attempts(pool, failing, 100)] == ["9", "8", "7"]
    assert [row["event_id"] for row in await attempts.attempts(pool, other, 100)] == ["only"]
