"""Endpoints: kept by organisation and subscription, rotated, forgotten when never accepted."""

from services.notifier.store import endpoints
from tests.support.notifier_schema import CITY, URL, NotifierSchema

OTHER = "00000099000000000363"
KEPT = "select secret, old_secret from endpoint order by subscription_id"


async def test_endpoint_belongs_to_the_organisation_that_gave_it(notifier: NotifierSchema) -> None:
    await endpoints.insert(notifier.room.pool, CITY, "one", URL, "sealed")
    async with notifier.room.pool.acquire() as connection:
        assert await endpoints.existing(connection, [(CITY, "one"), (OTHER, "one"), (CITY, "two")]) == {(CITY, "one")}


async def test_rotation_keeps_the_secret_before(notifier: NotifierSchema) -> None:
    await endpoints.insert(notifier.room.pool, CITY, "one", URL, "first")
    await endpoints.rotate(notifier.room.pool, CITY, "one", "second")
    await endpoints.rotate(notifier.room.pool, OTHER, "one", "forged")
    assert [tuple(row) for row in await notifier.room.rows(KEPT)] == [("second", "first")]


async def test_endpoint_without_an_accepted_subscription_is_forgotten_after_its_days(
    notifier: NotifierSchema,
) -> None:
    pool = notifier.room.pool
    await notifier.subscribe()
    await endpoints.insert(pool, CITY, "never accepted", URL, "sealed")
    await endpoints.delete_unused(pool, 1)
    assert len(await notifier.room.rows(KEPT)) == 2
    await pool.execute("update endpoint set made_at = now() - interval '2 days'")
    await endpoints.delete_unused(pool, 1)
    assert len(await notifier.room.rows(KEPT)) == 1
