"""Deferred submissions of one subject are decided in their order."""

from tests.support.deciders import Referring, arrive
from tests.support.deferrals import said, two_wait, wake
from tests.support.service_schema import Room, changed, outcomes


async def test_what_comes_later_waits_behind(registry: Room, handlers: Referring) -> None:
    first, second = await two_wait(registry, handlers)
    third = changed(first.subject, 2, "Nog anders")
    assert outcomes(await registry.settle(third, handlers=handlers)) == ["deferred"]
    await arrive(registry)
    await wake(registry, handlers)
    assert (await said(registry))[3:] == [(each.id, "accepted") for each in (first, second, third)]


async def test_nothing_is_decided_out_of_turn(registry: Room, handlers: Referring) -> None:
    """Another instance saw it at the head of its queue, before the one in front of it came back."""
    await two_wait(registry, handlers)
    _, second = [row["number"] for row in await registry.rows("select number from deferral order by number")]
    async with registry.pool.acquire() as connection, connection.transaction():
        assert await registry.processor(handlers).process_deferred(connection, second) is None
