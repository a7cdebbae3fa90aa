"""Aggregates in the database: read under the lane's lock or a shared row lock, written on a single lane."""

import asyncio

import pytest
from samenspel.contracts.catalogue import INITIATIVE
from samenspel.contracts.topics import INITIATIVES
from samenspel.messaging.decisions import aggregates
from samenspel.messaging.decisions.state import StoredAggregate
from samenspel.messaging.errors import Fenced

from tests.support.deciders import FACT, arrive
from tests.support.service_schema import Room
from tests.support.waiting import eventually

REFERENCE = INITIATIVE.name, "5e6a2f6b-9c1a-4a53-9d0e-0c8f8f2a1b44"
STORED = StoredAggregate('{"title":"één"}'.encode(), 7, b'{"private":true}')
CHANGE = "update aggregate set value = '{}' where subject = $1"


async def saved(room: Room, lane: int = 0, stored: StoredAggregate = STORED) -> None:
    async with room.pool.acquire() as connection, connection.transaction():
        await aggregates.save(connection, {REFERENCE: stored}, {REFERENCE: (INITIATIVES, lane)})


async def test_saved_aggregate_is_loaded_with_its_private_part(registry: Room) -> None:
    await saved(registry)
    async with registry.pool.acquire() as connection:
        found = await aggregates.load(connection, {REFERENCE, (INITIATIVE.name, "unknown")}, {(INITIATIVES, 0)})
    assert found == {REFERENCE: STORED}


async def test_aggregate_without_a_private_part_loses_the_one_before(registry: Room) -> None:
    await saved(registry)
    await saved(registry, stored=StoredAggregate(b"{}", 8))
    async with registry.pool.acquire() as connection:
        found = await aggregates.load(connection, {REFERENCE}, {(INITIATIVES, 0)})
    assert found == {REFERENCE: StoredAggregate(b"{}", 8)}


async def test_aggregate_that_another_lane_has_is_not_overwritten(registry: Room) -> None:
    await saved(registry)
    with pytest.raises(Fenced):
        await saved(registry, lane=1)


async def test_aggregate_of_a_lane_that_is_not_locked_holds_until_commit(registry: Room) -> None:
    await saved(registry)
    async with registry.pool.acquire() as connection, connection.transaction():
        assert await aggregates.load(connection, {REFERENCE}, {(INITIATIVES, 1)}) == {REFERENCE: STORED}
        change = asyncio.create_task(registry.pool.execute(CHANGE, REFERENCE[1]))
        await eventually(registry.is_blocked, 60)
        assert not change.done()
    await change


async def test_projected_aggregate_is_read_and_holds_until_commit(registry: Room) -> None:
    await arrive(registry)
    async with registry.pool.acquire() as connection, connection.transaction():
        found = await aggregates.load_projected_for_share(connection, [FACT, FACT])
        assert {reference: stored.value for reference, stored in found.states.items()} == {FACT: b"{}"}
        change = asyncio.create_task(registry.pool.execute("update projection set value = '{\"version\": 2}'"))
        await eventually(registry.is_blocked, 60)
    await change


async def test_stale_projection_is_not_read(registry: Room) -> None:
    await arrive(registry)
    await registry.pool.execute("update projection set stale = true")
    async with registry.pool.acquire() as connection:
        assert (await aggregates.load_projected_for_share(connection, [FACT])).states == {}


async def test_diverged_lanes_are_read_without_references_too(registry: Room) -> None:
    async with registry.pool.acquire() as connection, connection.transaction():
        assert await aggregates.load_projected_for_share(connection, []) == aggregates.Projected()
        await connection.execute(
            "insert into checkpoint (topic, lane, diverged_at) values ('samenspel.funding', 2, 7)"
        )
        found = await aggregates.load_projected_for_share(connection, [])
    assert found.diverged == {("samenspel.funding", 2)}
