"""Caught up: every published event is applied. Only then the deadline of a deferral counts."""

import pytest
from samenspel.contracts.topics import INITIATIVES
from samenspel.messaging.projections import checkpoints
from samenspel.messaging.projections.catch_up import is_caught_up
from samenspel.messaging.projections.projector import Projector

from tests.support.lane_owner import Owner, Record
from tests.support.memory_log import Log, Reader, as_read
from tests.support.service_schema import Room

LANES = [(INITIATIVES, 0), (INITIATIVES, 1)]


@pytest.fixture
async def owner(registry: Room) -> Owner:
    """Two events, both applied."""
    owner = Owner()
    records = [as_read(owner.publish()) for _ in range(2)]
    async with registry.pool.acquire() as connection:
        await checkpoints.load(connection, LANES[:1])
    await Projector(registry.pool, Log(), lambda events: None)(Reader(), records)  # type: ignore[arg-type]
    return owner


async def caught_up(room: Room, owner: Owner, *more: Record) -> bool:
    """Whether the service has applied a log with the owner's events, and ``more`` records."""
    log = Log()
    for each in (*owner.log, *more):
        log.append(*each.place, each.named, each.data)
    return await is_caught_up(room.pool, log, LANES)  # type: ignore[arg-type]  # a list for Kafka


async def test_lane_is_caught_up_at_the_last_event(registry: Room, owner: Owner) -> None:
    """Lane 1 was never read, and is empty."""
    assert await caught_up(registry, owner)


async def test_lane_with_a_further_event_is_behind(registry: Room, owner: Owner) -> None:
    owner.publish()
    assert not await caught_up(registry, owner)


async def test_repeat_at_the_end_of_the_log_counts_as_applied(registry: Room, owner: Owner) -> None:
    assert await caught_up(registry, owner, owner.log[0])


async def test_lane_that_was_never_read_is_behind(registry: Room, owner: Owner) -> None:
    assert not await caught_up(registry, owner, Owner(lane=1).publish())


async def test_diverged_lane_does_not_stop_the_deadlines_of_others(registry: Room, owner: Owner) -> None:
    """Nothing that needs the lane is decided; a deadline of another lane counts."""
    await registry.pool.execute("update checkpoint set diverged_at = 3")
    owner.publish()
    assert await caught_up(registry, owner)


async def test_record_that_is_no_event_is_not_applied_before_the_projector_has_seen_it(
    registry: Room, owner: Owner
) -> None:
    assert not await caught_up(registry, owner, owner.append([("ce_timeline", b"1e9")], b""))


async def test_service_that_follows_nothing_is_caught_up(registry: Room) -> None:
    assert await is_caught_up(registry.pool, Log(), [])  # type: ignore[arg-type]
