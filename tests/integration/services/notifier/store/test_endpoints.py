"""Endpoints: kept by organisation and subscription, rotated, forgotten when never accepted."""

import pytest
from samenspel.runtime.limits import LimitReached

from services.notifier.store import endpoints
from tests.support.notifier_schema import CITY, URL, NotifierSchema

OTHER = "00000099000000000363"
KEPT = "select secret, old_secret from endpoint order by subscription_id"


async def test_endpoint_belongs_to_the_organisation_that_gave_it(notifier: NotifierSchema) -> None:
    await endpoints.insert(notifier.room.pool, CITY, "one", URL, "sealed")
    async with notifier.room.pool.acquire() as connection:
        assert await endpoints.existing(connection, [(CITY, "one"), (OTHER, "one"), (CITY, "two")]) == {
            (CITY, "one"): URL
        }


async def rotate(notifier: NotifierSchema, secret: str, by: str = CITY) -> None:
    async with notifier.room.pool.acquire() as connection, connection.transaction():
        await endpoints.rotate(connection, by, "one", secret)


async def test_each_replaced_secret_has_its_own_end(notifier: NotifierSchema) -> None:
    pool = notifier.room.pool
    await endpoints.insert(pool, CITY, "one", URL, "first")
    await rotate(notifier, "second")
    await pool.execute("update replaced_secret set ends_at = ends_at - interval '10 hours'")
    await rotate(notifier, "third")
    await rotate(notifier, "forged", OTHER)
    rows = await notifier.room.rows(
        "select secret, round(extract(epoch from ends_at - now()) / 3600) from replaced_secret order by ends_at"
    )
    assert [tuple(row) for row in rows] == [("first", 14), ("second", 24)]
    await pool.execute("update replaced_secret set ends_at = now() - interval '1 second' where secret = 'first'")
    await endpoints.delete_ended_secrets(pool)
    assert [row["secret"] for row in await notifier.room.rows("select secret from replaced_secret")] == ["second"]


async def test_secret_that_the_version_before_replaced_still_signs(notifier: NotifierSchema) -> None:
    pool = notifier.room.pool
    await endpoints.insert(pool, CITY, "one", URL, "first")
    await pool.execute("update endpoint set secret = 'second', old_secret = 'first', rotated_at = now()")
    await rotate(notifier, "third")
    rows = await notifier.room.rows("select secret from replaced_secret order by secret")
    assert [row["secret"] for row in rows] == ["first", "second"]


async def test_only_so_many_replaced_secrets_sign(notifier: NotifierSchema) -> None:
    await endpoints.insert(notifier.room.pool, CITY, "one", URL, "0")
    for number in range(1, endpoints.REPLACED_SECRETS_MAX + 1):
        await rotate(notifier, str(number))
    with pytest.raises(endpoints.SecretLimitReached, match="ends at 20"):
        await rotate(notifier, "too many")
    await notifier.room.pool.execute("update replaced_secret set ends_at = now() where secret = '0'")
    await rotate(notifier, "room again")


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


async def test_endpoint_of_a_refused_subscription_is_deleted_and_no_other(notifier: NotifierSchema) -> None:
    for organisation, identity in ((CITY, "one"), (CITY, "two"), (OTHER, "one")):
        await endpoints.insert(notifier.room.pool, organisation, identity, URL, "sealed")
    await endpoints.delete_refused(notifier.room.pool, CITY, "one")
    assert len(await notifier.room.rows(KEPT)) == 2


async def test_endpoint_of_a_cancelled_subscription_is_not_stored_again(notifier: NotifierSchema) -> None:
    await notifier.subscribe()
    [(identity,)] = await notifier.room.rows("select subscription_id from subscription")
    await notifier.room.pool.execute("update subscription set active = false")
    await notifier.room.pool.execute("delete from endpoint")
    await endpoints.insert(notifier.room.pool, CITY, identity, URL, "sealed")
    assert await notifier.room.rows(KEPT) == []


async def test_endpoints_that_wait_for_a_subscription_are_limited_per_organisation(
    notifier: NotifierSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "WAITING_MAX", 2)
    await notifier.subscribe()
    for number in ("1", "2"):
        await endpoints.insert(notifier.room.pool, CITY, number, URL, "sealed")
    with pytest.raises(LimitReached, match="webhook addresses"):
        await endpoints.insert(notifier.room.pool, CITY, "3", URL, "sealed")
    await endpoints.insert(notifier.room.pool, CITY, "2", URL, "sealed")
    await endpoints.insert(notifier.room.pool, OTHER, "3", URL, "sealed")
    assert len(await notifier.room.rows(KEPT)) == 4
