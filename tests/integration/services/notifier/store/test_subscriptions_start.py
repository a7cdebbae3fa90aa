"""Start *now* is the end of each lane in Kafka, also while the notifier catches up."""

import pytest
from samenspel.contracts.topics import INITIATIVES

from services.notifier import feed
from services.notifier.domain.cursor import LanePosition
from services.notifier.store import subscriptions
from tests.support.notifier_schema import NotifierSchema

LANE = INITIATIVES, 0


async def sequences(notifier: NotifierSchema) -> list[int]:
    return sorted(each.sequence for each in await notifier.claim())


async def pulled(notifier: NotifierSchema, subscription_id: str, after: dict[tuple[str, int], LanePosition]) -> int:
    """Number of events in a page of a subscription."""
    start = await subscriptions.start_of(notifier.room.pool, subscription_id)
    page = await feed.read(notifier.room.pool, start.after(after), 100, held=start.awaited)
    return len(page.events)


@pytest.mark.parametrize("batches", [["ab", "cd", "ef"], ["abcd", "ef"], ["abcdef"]], ids=len)
async def test_lagging_notifier_delivers_no_event_from_before_and_every_event_from_after(
    notifier: NotifierSchema, batches: list[str]
) -> None:
    """The log has the events a to d at the creation; the notifier has applied none of them."""
    await notifier.subscribe(start="now", ends={LANE: 4})
    found: list[int] = []
    for batch in batches:
        await notifier.publish(*batch)
        await subscriptions.resolve_starts(notifier.room.pool)
        found += await sequences(notifier)
    assert found == [5, 6]


async def test_start_is_placed_late_and_loses_nothing(notifier: NotifierSchema) -> None:
    """The instance that places starts was away while others applied events."""
    await notifier.publish("a")
    await notifier.subscribe(start="now", ends={LANE: 3})
    await notifier.publish(*"bcde")
    assert await sequences(notifier) == [], "the start is not placed yet"
    assert await subscriptions.resolve_starts(notifier.room.pool) == 1
    assert await subscriptions.resolve_starts(notifier.room.pool) == 0
    assert await sequences(notifier) == [4, 5]


async def test_notifier_that_has_applied_everything_starts_at_once(notifier: NotifierSchema) -> None:
    await notifier.publish(*"ab")
    await notifier.subscribe(start="now", ends={LANE: 2})
    await notifier.publish("c")
    assert await sequences(notifier) == [3]


async def test_foreign_records_and_repeats_at_the_end_do_not_delay_the_start(notifier: NotifierSchema) -> None:
    await notifier.publish("a")
    await notifier.room.pool.execute("update checkpoint set read_offset = 9")
    await notifier.subscribe(start="now", ends={LANE: 9})
    await notifier.room.pool.execute("update checkpoint set read_offset = 1")
    state = await notifier.subscribe(start="now", ends={LANE: 9}, organisation="00000099000000000363")
    assert (await subscriptions.start_of(notifier.room.pool, state.subscription_id)).awaited == {LANE}
    await notifier.room.pool.execute("update checkpoint set read_offset = 9")
    assert await subscriptions.resolve_starts(notifier.room.pool) == 1
    start = await subscriptions.start_of(notifier.room.pool, state.subscription_id)
    assert start.begins[LANE] == LanePosition(1, 1)


async def test_pull_gives_no_event_from_before_with_any_cursor_of_the_service(notifier: NotifierSchema) -> None:
    identity = (await notifier.subscribe("pull", start="now", ends={LANE: 4})).subscription_id
    await notifier.publish(*"ab")
    cursor = await subscriptions.cursor_of(notifier.room.pool, identity)
    assert LANE not in cursor
    assert await pulled(notifier, identity, cursor) == await pulled(notifier, identity, {}) == 0
    await notifier.publish(*"cdef")
    await subscriptions.resolve_starts(notifier.room.pool)
    assert await pulled(notifier, identity, cursor) == await pulled(notifier, identity, {}) == 2
    assert (await subscriptions.cursor_of(notifier.room.pool, identity))[LANE] == LanePosition(1, 4)
    assert await pulled(notifier, identity, {LANE: LanePosition(1, 2)}) == 4, "an explicit cursor is kept"


async def test_start_on_a_log_that_was_created_again_is_released(notifier: NotifierSchema) -> None:
    """An event is delivered rather than lost."""
    await notifier.publish("a")
    await notifier.subscribe(start="now", ends={LANE: 900})
    await notifier.publish(*"bc")
    await feed.FeedWriter().log_replaced(notifier.room.pool, {LANE})
    assert await sequences(notifier) == [2, 3]


async def test_events_of_the_version_before_without_an_offset_are_delivered(notifier: NotifierSchema) -> None:
    await notifier.publish("a")
    await notifier.subscribe(start="now", ends={LANE: 3})
    await notifier.publish(*"bcd")
    await notifier.room.pool.execute("update feed set log_offset = null")
    await subscriptions.resolve_starts(notifier.room.pool)
    assert await sequences(notifier) == [2, 3, 4]
