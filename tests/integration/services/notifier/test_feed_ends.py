"""The ends of the feed: read by one task for all readers, after each commit of applied events."""

import asyncio

from samenspel.contracts.topics import INITIATIVES
from samenspel.runtime.migrations import migrations_of
from samenspel.runtime.wakeup import Wakeup

from services.notifier import feed
from services.notifier.domain.cursor import LanePosition, mark_of
from services.notifier.feed import FeedEnds
from tests.support.notifier_schema import NotifierSchema


async def test_waiting_readers_learn_of_events_of_this_and_of_another_instance(notifier: NotifierSchema) -> None:
    applied = Wakeup()
    ends = FeedEnds(notifier.room.pool, applied, Wakeup())
    task = asyncio.create_task(ends.run())
    try:
        for number in (1, 2):
            before = {(INITIATIVES, 0): LanePosition(1, number - 1)}
            ticket = ends.changed.next_ticket
            assert not ends.has_events_after(before)
            await notifier.publish("a")
            if number == 1:
                applied.notify()  # The second event is another instance's.
            while not ends.has_events_after(before):
                assert await ticket.wait(20)
                ticket = ends.changed.next_ticket
            page = await feed.read(notifier.room.pool, before, 100)
            assert len(page.events) == 1
            assert not ends.has_events_after(page.cursor)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_page_has_the_marks_of_the_lanes_with_events(notifier: NotifierSchema) -> None:
    await notifier.publish("a", "b")
    page = await feed.read(notifier.room.pool, {}, 100)
    assert page.marks == {(INITIATIVES, 0): mark_of(notifier.owner.identity)}


async def test_checkpoint_of_the_version_before_gets_its_identity_from_the_feed(notifier: NotifierSchema) -> None:
    await notifier.publish("a", "b")
    await notifier.room.pool.execute("update checkpoint set identity = null")
    migration = next(each for each in migrations_of("services.notifier") if each.name == "0004_lane_identity.sql")
    await notifier.room.pool.execute(migration.sql)
    page = await feed.read(notifier.room.pool, {}, 100)
    assert page.marks == {(INITIATIVES, 0): mark_of(notifier.owner.identity)}
