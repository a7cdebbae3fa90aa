"""The delivery queue: opened from the feed, in order per subject, claimed by a single instance."""

from collections import Counter

import orjson
import pytest

from services.notifier import feed
from services.notifier.deliveries import queue
from services.notifier.deliveries.queue import DeliveryLimits, FullSubscriptions, QueueProgress, RunningAttempts
from services.notifier.store import endpoints
from tests.support.notifier_schema import CITY, URL, NotifierSchema

OTHER = "00000099000000000363"
PENDING = "select count(*) from delivery join subscription using (subscription_id) where organisation = $1"


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
    await notifier.subscribe()
    [first] = await notifier.claim(DeliveryLimits(per_subscription=1))
    running = RunningAttempts()
    running.add(first, 1)
    assert len(await notifier.claim(DeliveryLimits(per_subscription=3), running)) == 2
    running.add(first, -1)
    assert (running.by_subscription, running.by_organisation) == ({}, {})


async def test_subscriptions_of_one_organisation_share_its_attempts_and_another_gets_all_its_events(
    notifier: NotifierSchema,
) -> None:
    await notifier.publish(*"abcdef")
    for _ in range(10):
        await notifier.subscribe()
    await notifier.subscribe(organisation=OTHER)
    claimed = await notifier.claim(DeliveryLimits(per_organisation=8))
    assert Counter(each.organisation for each in claimed) == {CITY: 8, OTHER: 6}
    running = RunningAttempts()
    for each in claimed:
        running.add(each, 1)
    assert await notifier.claim(DeliveryLimits(per_organisation=8), running) == []


async def test_last_free_attempts_go_to_the_organisation_with_the_fewest(notifier: NotifierSchema) -> None:
    await notifier.publish(*"abcdef")
    for _ in range(10):
        await notifier.subscribe()
    running, limits = RunningAttempts(), DeliveryLimits(total=10)
    for each in await notifier.claim(DeliveryLimits(total=7)):
        running.add(each, 1)
    await notifier.subscribe(organisation=OTHER)
    claimed = await notifier.claim(limits, running)
    assert Counter(each.organisation for each in claimed) == {OTHER: 3}
    for each in claimed:
        running.add(each, 1)
    assert await notifier.claim(limits, running) == []


async def test_backlog_of_one_organisation_does_not_delay_the_new_event_of_another(
    notifier: NotifierSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "LANES_AT_ONCE", 4)
    monkeypatch.setattr(queue, "LANES_PER_ORGANISATION", 3)
    for _ in range(20):
        await notifier.subscribe()
    await notifier.publish(*"ab")
    await notifier.subscribe(organisation=OTHER)
    assert await queue.enqueue_new(notifier.room.pool, 2_000, FullSubscriptions()) == QueueProgress(4, more=True)
    assert await notifier.room.pool.fetchval(PENDING, OTHER) == 2
    await notifier.enqueue()
    assert await notifier.room.pool.fetchval(PENDING, CITY) == 40


async def test_cursor_locked_by_another_instance_is_reported_as_lagging(notifier: NotifierSchema) -> None:
    await notifier.publish("a")
    await notifier.subscribe()
    pool = notifier.room.pool
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("select from subscription_cursor for update")
        assert await queue.enqueue_new(pool, 2_000, FullSubscriptions()) == QueueProgress(0, more=True)
    assert await queue.enqueue_new(pool, 2_000, FullSubscriptions()) == QueueProgress(1, more=False)
    assert await queue.enqueue_new(pool, 2_000, FullSubscriptions()) == QueueProgress(0, more=False)


async def test_long_range_is_reported_as_lagging(notifier: NotifierSchema, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "EVENTS_AT_ONCE", 2)
    await notifier.publish(*"abc")
    await notifier.subscribe()
    pool = notifier.room.pool
    assert await queue.enqueue_new(pool, 2_000, FullSubscriptions()) == QueueProgress(1, more=True)
    assert await queue.enqueue_new(pool, 2_000, FullSubscriptions()) == QueueProgress(1, more=False)


async def test_body_of_an_event_is_made_once_for_all_subscriptions(notifier: NotifierSchema) -> None:
    await notifier.publish("a")
    for _ in range(3):
        await notifier.subscribe()
    first, *others = await notifier.claim()
    assert len(others) == 2
    assert all(each.body is first.body for each in others)


async def test_full_subscription_gets_no_further_deliveries_until_it_has_room(notifier: NotifierSchema) -> None:
    """The events wait in the feed; the other subscriptions get theirs."""
    await notifier.publish(*"abc")
    slow = await notifier.subscribe()
    await notifier.enqueue(pending=3)
    await notifier.publish(*"de")
    await notifier.subscribe(organisation=OTHER)
    await notifier.enqueue(pending=3)
    assert await notifier.room.pool.fetchval(PENDING, CITY) == 3
    assert await notifier.room.pool.fetchval(PENDING, OTHER) == 5
    await notifier.room.pool.execute(
        "delete from delivery where subscription_id = $1 and sequence = 1", slow.subscription_id
    )
    await notifier.enqueue(pending=3)
    assert await notifier.room.pool.fetchval(PENDING, CITY) == 4


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


async def test_each_replaced_secret_signs_until_its_own_end(notifier: NotifierSchema) -> None:
    await notifier.publish("a")
    identity = (await notifier.subscribe()).subscription_id
    for secret in ("second", "third"):
        async with notifier.room.pool.acquire() as connection, connection.transaction():
            await endpoints.rotate(connection, CITY, identity, secret)
    [delivery] = await notifier.claim()
    assert delivery.encrypted_secrets[0] == "third"
    assert sorted(delivery.encrypted_secrets) == ["sealed", "second", "third"]
    await notifier.room.pool.execute("update replaced_secret set ends_at = now() where secret = 'sealed'")
    await queue.release(notifier.room.pool, "me")
    [again] = await notifier.claim()
    assert sorted(again.encrypted_secrets) == ["second", "third"]


async def test_subscription_of_another_organisation_is_not_delivered(notifier: NotifierSchema) -> None:
    """Neither pushed nor pulled with a subscription; the whole feed has every event."""
    await notifier.publish_subscription(CITY, "own")
    await notifier.publish_subscription(OTHER, "another's")
    await notifier.subscribe()
    assert [each.subject for each in await notifier.claim()] == ["own"]
    pulled = await feed.read(notifier.room.pool, {}, 10, (), CITY)
    assert [orjson.loads(event)["subject"] for event in pulled.events] == ["own"]
    everything = await feed.read(notifier.room.pool, {}, 10)
    assert len(everything.events) == 2


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
