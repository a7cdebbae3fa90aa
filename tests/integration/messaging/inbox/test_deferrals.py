"""Deferred submissions of a subject are decided in order."""

from tests.support.deciders import Referring, arrive
from tests.support.deferrals import said, two_wait, wake
from tests.support.service_schema import Room, changed, outcomes


async def test_later_submission_on_a_deferred_subject_is_deferred_too(registry: Room, handlers: Referring) -> None:
    first, second = await two_wait(registry, handlers)
    third = changed(first.subject, 2, "Nog anders")
    assert outcomes(await registry.settle(third, handlers=handlers)) == ["deferred"]
    await arrive(registry)
    await wake(registry, handlers)
    assert (await said(registry))[3:] == [(each.id, "accepted") for each in (first, second, third)]


async def test_deferred_submission_that_is_not_first_is_not_decided(registry: Room, handlers: Referring) -> None:
    """Another instance saw the submission at the head of the queue, before the earlier submission came back."""
    await two_wait(registry, handlers)
    _, second = [row["number"] for row in await registry.rows("select number from deferral order by number")]
    async with registry.pool.acquire() as connection, connection.transaction():
        assert await registry.processor(handlers).process_deferred(connection, second) is None
