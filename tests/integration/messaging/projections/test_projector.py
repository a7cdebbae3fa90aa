"""Following others: each event once, however many follow at once, and no digest is taken on trust."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace

from samenspel.contracts.canonical import CanonicalEvent
from samenspel.contracts.topics import INITIATIVES, LaneId
from samenspel.messaging.projections import checkpoints
from samenspel.messaging.projections.projector import Projector
from samenspel.runtime.postgres import Connection, Pool

from tests.support.lane_owner import Owner
from tests.support.memory_log import Log, Reader, as_read
from tests.support.service_schema import Room
from tests.support.waiting import eventually


class Slow:
    """A listener with received events, waiting for permission to continue."""

    def __init__(self) -> None:
        self.applied_events: list[int] = []
        self.is_told = asyncio.Event()
        self.may_go_on = asyncio.Event()

    async def applied(self, connection: Connection, events: Sequence[CanonicalEvent]) -> None:
        self.applied_events += [event.sequence for event in events]
        self.is_told.set()
        await self.may_go_on.wait()

    async def log_replaced(self, pool: Pool, lanes: Collection[LaneId]) -> None: ...


async def placed(room: Room) -> None:
    async with room.pool.acquire() as connection:
        await checkpoints.load(connection, [(INITIATIVES, 0)])


def projector(room: Room, follower: Slow | None = None) -> Projector:
    return Projector(room.pool, Log(), lambda number: None, follower)  # type: ignore[arg-type]  # lists for Kafka


async def test_two_concurrent_projectors_apply_each_event_once(registry: Room) -> None:
    """The first woke up late, or Kafka assigned the lane to both."""
    await placed(registry)
    owner, one, other = Owner(), Slow(), Slow()
    records = [as_read(owner.publish(subject)) for subject in ("a", "b")]
    other.may_go_on.set()
    first = asyncio.create_task(projector(registry, one)(Reader(), records))  # type: ignore[arg-type]
    await asyncio.wait_for(one.is_told.wait(), 60)
    second = asyncio.create_task(projector(registry, other)(Reader(), records))  # type: ignore[arg-type]

    async def has_come() -> bool:
        return second.done() or await registry.is_blocked()

    await eventually(has_come, 60, "the second at the lane's position")
    one.may_go_on.set()
    await asyncio.gather(first, second)
    assert one.applied_events + other.applied_events == [1, 2]
    [position] = await registry.rows("select * from checkpoint")
    assert (position["sequence"], int.from_bytes(position["digest"], "big")) == (2, owner.digest)


async def test_projector_names_the_event_at_which_its_digest_diverges(registry: Room) -> None:
    await placed(registry)
    owner = Owner()
    records = [as_read(owner.publish(subject)) for subject in ("a", "b", "c")]
    records[1] = replace(records[1], value=b'{"title":"another"}')
    copy = projector(registry)
    await copy(Reader(), records)  # type: ignore[arg-type]
    assert {lane: found.sequence for lane, found in copy.diverged.items()} == {(INITIATIVES, 0): 2}
    [position] = await registry.rows("select sequence, diverged_at, divergence from checkpoint")
    assert tuple(position) == (1, 2, copy.diverged[INITIATIVES, 0].reason)
    assert [row["subject"] for row in await registry.rows("select subject from projection")] == ["a"]
    another = projector(registry)
    async with registry.pool.acquire() as connection:
        await another.refresh_diverged(connection)
    assert another.diverged == copy.diverged, "every instance knows"


async def test_divergence_ends_with_the_event_that_fits(registry: Room) -> None:
    await placed(registry)
    owner, copy = Owner(), projector(registry)
    first, second = as_read(owner.publish("a")), owner.publish("b")
    forged = replace(as_read(second), value=b"{}")
    await copy(Reader(), [first, forged])  # type: ignore[arg-type]
    assert copy.diverged
    await copy(Reader(), [as_read(owner.repeat(second))])  # type: ignore[arg-type]
    assert not copy.diverged
    [position] = await registry.rows("select sequence, diverged_at, divergence from checkpoint")
    assert tuple(position) == (2, None, None)


async def test_record_that_is_no_event_is_named_and_skipped(registry: Room) -> None:
    """A timeline above 32 bits was an endless retry that /readyz did not show."""
    await placed(registry)
    owner, copy = Owner(), projector(registry)
    first = owner.publish("a")
    huge = owner.repeat(first, ce_timeline=str(2**40).encode())
    await copy(Reader(), [as_read(first), as_read(huge)])  # type: ignore[arg-type]
    assert copy.diverged[INITIATIVES, 0].reason == "record at offset 1 is no canonical event"
    await copy(Reader(), [as_read(owner.publish("b"))])  # type: ignore[arg-type]
    assert not copy.diverged
