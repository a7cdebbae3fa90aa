"""Subscriptions in the database: start position, acknowledgement, resuming, and the end."""

from samenspel.contracts.notifications import SubscriptionTerms
from samenspel.contracts.topics import CANONICAL, INITIATIVES, LANES_LOCAL

from services.notifier.domain.cursor import LanePosition
from services.notifier.store import subscriptions as store
from tests.support.notifier_schema import CITY, URL, NotifierSchema

LANE = INITIATIVES, 0
OTHER = "00000099000000000363"


async def test_subscription_begins_at_the_beginning_or_at_the_present_end(notifier: NotifierSchema) -> None:
    await notifier.publish("a", "b")
    for start, place in (("beginning", LanePosition(1, 0)), ("now", LanePosition(1, 2))):
        state = await notifier.subscribe("pull", start)  # type: ignore[arg-type]  # one of the two
        cursor = await store.cursor_of(notifier.room.pool, state.subscription_id)
        assert cursor[LANE] == place
        assert len(cursor) == len(CANONICAL) * LANES_LOCAL


async def test_cursor_stands_before_the_first_event_still_to_be_delivered(notifier: NotifierSchema) -> None:
    await notifier.publish("a", "b", "a")
    state = await notifier.subscribe()
    await notifier.claim()
    await notifier.room.pool.execute("delete from delivery where sequence = 1")
    assert (await store.cursor_of(notifier.room.pool, state.subscription_id))[LANE] == LanePosition(1, 1)


async def test_acknowledged_events_are_not_delivered_and_the_next_is_due(notifier: NotifierSchema) -> None:
    await notifier.publish("a", "a", "a")
    state = await notifier.subscribe()
    await notifier.claim()
    await store.acknowledge(notifier.room.pool, state.subscription_id, {LANE: LanePosition(1, 2)})
    assert [each.sequence for each in await notifier.claim()] == [3]


async def test_acknowledgement_never_moves_the_cursor_back(notifier: NotifierSchema) -> None:
    await notifier.publish("a", "b")
    state = await notifier.subscribe("pull", "now")
    pool, identity = notifier.room.pool, state.subscription_id
    for cursor, done in (({LANE: LanePosition(1, 1)}, False), ({}, False), ({LANE: LanePosition(1, 2)}, True)):
        assert await store.acknowledge(pool, identity, cursor) is done
    assert (await store.cursor_of(notifier.room.pool, state.subscription_id))[LANE] == LanePosition(1, 2)


async def test_resumed_subscription_is_tried_at_once(notifier: NotifierSchema) -> None:
    await notifier.publish("a")
    state = await notifier.subscribe()
    await notifier.claim()
    pool = notifier.room.pool
    await pool.execute("update subscription set gone = true, rounds = 3, resume_at = now() + interval '1 hour'")
    await pool.execute("update delivery set attempts = 2, holder = null, due_at = now() + interval '1 hour'")
    assert await notifier.claim() == []
    await store.resume(pool, state.subscription_id)
    assert len(await notifier.claim()) == 1


async def test_cancelled_subscription_loses_deliveries_and_endpoint(notifier: NotifierSchema) -> None:
    await notifier.publish("a")
    state = await notifier.subscribe()
    await notifier.claim()
    async with notifier.room.pool.acquire() as connection, connection.transaction():
        await store.deactivate(connection, state)
    [row] = await store.figures(notifier.room.pool, CITY)
    assert (row["active"], row["url"], row["pending"]) == (False, None, 0)


async def test_subscription_without_terms_delivers_nothing_until_the_terms_are_back(notifier: NotifierSchema) -> None:
    """A recovery from Kafka restores the public state only."""
    await notifier.publish("a", "b")
    state = await notifier.subscribe("pull")
    pool = notifier.room.pool
    await pool.execute("delete from subscription_cursor")
    await pool.execute("delete from subscription")
    async with pool.acquire() as connection, connection.transaction():
        await store.activate(connection, state, None, LANES_LOCAL, {})
    [row] = await store.figures(pool, CITY)
    assert (row["active"], row["types"], row["delivery"]) == (True, None, None)
    assert await notifier.claim() == []
    terms = SubscriptionTerms(types=("nl.samenspel.grant-awarded.v1",), start="beginning", delivery="pull")
    for _ in range(2):
        async with pool.acquire() as connection, connection.transaction():
            await store.activate(connection, state, terms, LANES_LOCAL, {})
    [row] = await store.figures(pool, CITY)
    assert (row["types"], row["delivery"]) == (["nl.samenspel.grant-awarded.v1"], "pull")
    assert (await store.cursor_of(pool, state.subscription_id))[LANE] == LanePosition(1, 0)


async def test_figures_are_those_of_the_organisation_only(notifier: NotifierSchema) -> None:
    await notifier.publish("a", "b")
    state = await notifier.subscribe()
    await notifier.claim()
    [row] = await store.figures(notifier.room.pool, CITY, state.subscription_id)
    assert (row["url"], row["pending"], row["postponed"], row["sent"]) == (URL, 2, 0, 0)
    assert await store.figures(notifier.room.pool, "00000099000000000363") == []
    assert await store.figures(notifier.room.pool, CITY, "unknown") == []


async def test_active_subscriptions_are_counted_per_organisation(notifier: NotifierSchema) -> None:
    push, pull = await notifier.subscribe(), await notifier.subscribe("pull")
    await notifier.subscribe(organisation=OTHER)
    ended = await notifier.subscribe()
    async with notifier.room.pool.acquire() as connection:
        await store.deactivate(connection, ended)
        assert await store.active(connection, {CITY, "nobody"}) == {
            CITY: {push.subscription_id: URL, pull.subscription_id: None},
            "nobody": {},
        }
        assert await store.count_active(connection) == {CITY: 2, OTHER: 1}


async def test_subscriptions_are_listed_page_by_page(notifier: NotifierSchema) -> None:
    """Cancelled subscriptions stay in the list, so the list has no limit but the page."""
    made = sorted([(await notifier.subscribe("pull")).subscription_id for _ in range(5)])
    pool = notifier.room.pool
    first = [row["subscription_id"] for row in await store.figures(pool, CITY, limit=3)]
    second = [row["subscription_id"] for row in await store.figures(pool, CITY, after=first[-1], limit=3)]
    assert (first, second) == (made[:3], made[3:])


async def test_cancelled_subscription_leaves_no_cursor(notifier: NotifierSchema) -> None:
    ended, kept = await notifier.subscribe(), await notifier.subscribe()
    async with notifier.room.pool.acquire() as connection, connection.transaction():
        await store.deactivate(connection, ended)
    rows = await notifier.room.rows("select distinct subscription_id from subscription_cursor")
    assert [row["subscription_id"] for row in rows] == [kept.subscription_id]
