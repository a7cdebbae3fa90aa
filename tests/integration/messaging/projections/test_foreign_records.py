"""Foreign records on a followed lane: stored and reported by range, once, with a bounded number of ranges."""

from collections.abc import Sequence

import pytest
import structlog
from samenspel.contracts.topics import INITIATIVES
from samenspel.messaging.projections import checkpoints, foreign_records
from samenspel.messaging.projections.projector import Projector

from tests.support.crash import deaths_of
from tests.support.lane_owner import Owner
from tests.support.memory_log import Log, Reader, as_read
from tests.support.service_schema import Room

LANE = INITIATIVES, 0


async def follow(room: Room, *batches: Sequence[object]) -> list[dict[str, object]]:
    """Apply batches of records with a new projector, as after a start; returns the lines about foreign records."""
    async with room.pool.acquire() as connection:
        await checkpoints.load(connection, [LANE])
    await checkpoints.begin_reading(room.pool, {LANE: 0})
    projector = Projector(room.pool, Log(), lambda events: None)  # type: ignore[arg-type]  # lists for Kafka
    with structlog.testing.capture_logs() as lines:
        for batch in batches:
            await projector(Reader(), [as_read(each) for each in batch])  # type: ignore[arg-type]
    return [line for line in lines if "runbook" in line]


def mixed(owner: Owner, text: str) -> list[object]:
    """Records in this order: ``e`` is an event, ``f`` a foreign record."""
    return [owner.publish() if letter == "e" else owner.append([], b"foreign") for letter in text]


async def ranges(room: Room) -> list[tuple[int, ...]]:
    """First offset, next offset and number of each range."""
    rows = await room.rows("select first_offset, next_offset, records from foreign_records order by first_offset")
    return [tuple(row) for row in rows]


async def test_each_range_is_reported_by_one_line(registry: Room) -> None:
    lines = await follow(registry, mixed(Owner(), "efffefef"))
    assert [(line["lane"], line["first_offset"], line["records"]) for line in lines] == [
        (f"{INITIATIVES}/0", 1, 3),
        (f"{INITIATIVES}/0", 5, 1),
        (f"{INITIATIVES}/0", 7, 1),
    ]
    assert await ranges(registry) == [(1, 4, 3), (5, 6, 1), (7, 8, 1)]


async def test_range_in_many_batches_is_one_range_with_one_line(registry: Room) -> None:
    owner = Owner()
    lines = await follow(registry, mixed(owner, "ef"), *(mixed(owner, "fff") for _ in range(20)))
    assert len(lines) == 1
    assert await ranges(registry) == [(1, 62, 61)]
    async with registry.pool.acquire() as connection:
        assert await foreign_records.count(connection) == 61


async def test_records_that_are_read_again_are_neither_reported_nor_counted_again(registry: Room) -> None:
    records = mixed(Owner(), "ffefff")
    assert len(await follow(registry, records)) == 2
    assert await follow(registry, records) == []
    assert await ranges(registry) == [(0, 2, 2), (3, 6, 3)]


async def test_number_of_stored_ranges_is_bounded_and_no_record_is_forgotten(
    registry: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreign_records, "RANGES_MAX", 3)
    owner = Owner()
    await follow(registry, *(mixed(owner, "ffe") for _ in range(10)))
    assert await ranges(registry) == [(0, 23, 16), (24, 26, 2), (27, 29, 2)]
    await follow(registry, mixed(owner, "fe"))
    assert await ranges(registry) == [(0, 26, 18), (27, 29, 2), (30, 31, 1)]


async def test_ranges_and_checkpoint_are_committed_together(registry: Room) -> None:
    async with registry.pool.acquire() as connection:
        await checkpoints.load(connection, [LANE])
    records = [as_read(each) for each in mixed(Owner(), "eff")]

    async def attempt() -> bool:
        reader = Reader()
        await Projector(registry.pool, Log(), lambda number: None)(reader, records)  # type: ignore[arg-type]
        return not reader.reopened

    reached = await deaths_of(registry, attempt)
    assert {"foreign-records.load", "foreign-records.save", "foreign-records.merge"} <= set(reached)
    assert await ranges(registry) == [(1, 3, 2)]
