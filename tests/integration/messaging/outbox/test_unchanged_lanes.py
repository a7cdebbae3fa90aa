"""Only a lane whose log ends with the last published event is opened together with the others."""

from typing import Any

import pytest
from aiokafka import TopicPartition
from samenspel.contracts.topics import INITIATIVES, lane_of
from samenspel.messaging.outbox.unchanged_lanes import find_unchanged, mark_unchanged

from tests.support.events import new_id
from tests.support.memory_log import Log, publish
from tests.support.retention import publish_all
from tests.support.service_schema import Room, registered

LANE = INITIATIVES, 0
OTHERS = [(INITIATIVES, lane) for lane in range(1, 4)]
OPEN = "select count(*) from lane where topic = $1 and reconciled = incarnation()"


@pytest.fixture
async def log(registry: Room) -> Log:
    """Two published events in the first lane; the other lanes are empty."""
    log = Log()
    keys = (key for key in iter(new_id, "") if lane_of(key, 4) == 0)
    await registry.settle(*(registered(initiative_id=next(keys)) for _ in range(2)))
    await publish(registry, log)
    await publish_all(registry)
    await registry.pool.execute("update lane set reconciled = ''")
    return log


async def unchanged(room: Room, log: Any) -> set[tuple[str, int]]:
    async with room.pool.acquire() as connection:
        rows = await find_unchanged(connection, log, [LANE, *OTHERS])
    return {(row["topic"], row["lane"]) for row in rows}


async def test_lanes_without_any_change_are_opened_together(registry: Room, log: Log) -> None:
    async with registry.pool.acquire() as connection:
        rows = await find_unchanged(connection, log, [LANE, *OTHERS])  # type: ignore[arg-type]  # lists for Kafka
        await mark_unchanged(connection, rows)
    assert await registry.pool.fetchval(OPEN, INITIATIVES) == 4


async def test_lane_with_more_in_kafka_is_compared(registry: Room, log: Log) -> None:
    log.append(*LANE, [], b"")
    assert await unchanged(registry, log) == set(OTHERS)


async def test_lane_with_less_in_kafka_is_compared(registry: Room, log: Log) -> None:
    del log.partitions[LANE][1:]
    assert await unchanged(registry, log) == set(OTHERS)


async def test_lane_with_another_last_event_is_compared(registry: Room, log: Log) -> None:
    """The log was made anew, and is as long as before."""
    first, _ = log.partitions[LANE]
    log.partitions[LANE] = [first, first]
    assert await unchanged(registry, log) == set(OTHERS)


async def test_lane_whose_log_cannot_be_read_is_compared(registry: Room, log: Log) -> None:
    class Failing(Log):
        async def bounds_of(self, partitions: Any) -> Any:
            return await super().bounds_of(partitions) | {TopicPartition(*OTHERS[0]): LookupError("no topic")}

        async def records_at(self, offsets: Any) -> Any:
            return dict.fromkeys(offsets, TimeoutError())

    assert await unchanged(registry, Failing(log.partitions)) == set(OTHERS[1:])


async def test_lane_on_another_timeline_is_not_opened(registry: Room, log: Log) -> None:
    async with registry.pool.acquire() as connection:
        rows = await find_unchanged(connection, log, [LANE, *OTHERS])  # type: ignore[arg-type]  # lists for Kafka
        await connection.execute("update lane set timeline = timeline + 1 where (topic, lane) = ($1, $2)", *LANE)
        await mark_unchanged(connection, rows)
    assert await registry.pool.fetchval(OPEN, INITIATIVES) == 3
