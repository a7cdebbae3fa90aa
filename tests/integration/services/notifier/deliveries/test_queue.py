"""The delivery queue: opened from the feed, in order per subject, claimed by a single instance."""

from services.notifier.deliveries import queue
from tests.support.notifier_schema import CITY, URL, NotifierSchema


def sequences(deliveries: list[queue.Delivery]) -> list[int]:
    return sorted(each.sequence for each in deliveries)


async def test_first_event_of_each_subject_is_due(notifier: NotifierSchema) -> None:
    await notifier.publish("a", "b", "a")
    await notifier.subscribe()
    first, second = await notifier.claim()
    assert sequences([first, second]) == [1, 2]
    assert {first.url, second.url} == {URL}
    assert first.body.startswith(b"{")
    assert list(first.encrypted_secrets) == ["sealed"]


async def test_claimed_delivery_is_not_claimed_again(notifier: NotifierSchema) -> None:
    await notifier.publish("a", "b")
    await notifier.subscribe()
    assert len(await notifier.claim()) == 2
    assert await notifier.claim() == []


async def test_deliveries_of_an_instance_that_died_are_due_again(notifier: NotifierSchema) -> None:
    await notifier.publish("a", "b")
    await notifier.subscribe()
    await notifier.claim()
    await queue.release(notifier.room.pool, "another")
    assert await notifier.claim() == []
    await queue.release(notifier.room.pool, "me")
    assert len(await notifier.claim()) == 2


async def test_running_attempts_count_against_the_limit_of_their_subscription(notifier: NotifierSchema) -> None:
    await notifier.publish(*"abcdef")
    state = await notifier.subscribe()
    assert len(await notifier.claim(3, **{state.subscription_id: 1})) == 2


async def test_subscription_gets_only_its_types_and_from_its_start(notifier: NotifierSchema) -> None:
    await notifier.publish("a")
    await notifier.subscribe(types=["nl.samenspel.grant-awarded.v1"])
    live = await notifier.subscribe(start="now")
    assert await notifier.claim() == []
    await notifier.publish("b")
    [delivery] = await notifier.claim()
    assert (delivery.subscription_id, delivery.sequence) == (live.subscription_id, 2)


async def test_pull_and_cancelled_subscriptions_get_no_deliveries(notifier: NotifierSchema) -> None:
    await notifier.publish("a")
    await notifier.subscribe("pull")
    state = await notifier.subscribe()
    await notifier.room.pool.execute(
        "update subscription set active = false where subscription_id = $1", state.subscription_id
    )
    assert await notifier.claim() == []


async def test_old_secret_signs_along_for_a_day_after_a_rotation(notifier: NotifierSchema) -> None:
    await notifier.publish("a")
    state = await notifier.subscribe()
    await notifier.room.pool.execute(
        "update endpoint set secret = 'new', old_secret = 'sealed', rotated_at = now() - interval '23 hours' "
        "where (organisation, subscription_id) = ($1, $2)",
        CITY,
        state.subscription_id,
    )
    [delivery] = await notifier.claim()
    assert list(delivery.encrypted_secrets) == ["new", "sealed"]
