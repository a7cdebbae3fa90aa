"""The state of a reader after a new partition assignment: an admission does not check all partitions again."""

import asyncio
from contextlib import AsyncExitStack, suppress
from typing import Any

from aiokafka import TopicPartition
from samenspel.contracts.topics import INITIATIVES, LANES_LOCAL
from samenspel.messaging.kafka.consumer import PartitionConsumer, UnpositionedPartitions

from tests.conftest import Admit
from tests.support.events import new_id
from tests.support.organisations import Organisation
from tests.support.waiting import eventually


class Opened:
    """A resolver with the end of the log as position, and a list of all requests."""

    def __init__(self) -> None:
        self.asked: dict[TopicPartition, list[bool]] = {}

    async def __call__(self, partition: TopicPartition, known: bool) -> int:
        self.asked.setdefault(partition, []).append(known)
        return 0


async def _reading(stack: AsyncExitStack, organisation: Organisation, group: str) -> tuple[PartitionConsumer, Opened]:
    """A reader of the canonical lanes in this group, until the end of the test."""
    opened, unpositioned = Opened(), UnpositionedPartitions()
    settings: dict[str, Any] = {**organisation.kafka, "group_id": group, "metadata_max_age_ms": 1_000}
    reader = PartitionConsumer(
        unpositioned=unpositioned, resolve_offset=opened, auto_offset_reset="earliest", **settings
    )
    reader.subscribe(topics=[INITIATIVES], listener=unpositioned)
    await reader.start()
    stack.push_async_callback(reader.stop)
    task = asyncio.create_task(_read_on(reader))
    stack.callback(task.cancel)
    return reader, opened


async def _read_on(reader: PartitionConsumer) -> None:
    with suppress(asyncio.CancelledError):
        while True:
            await reader.getmany()


async def test_consumer_keeps_positions_of_partitions_that_stay_assigned(organisation: Admit) -> None:
    city = await organisation()
    async with AsyncExitStack() as stack:
        group = f"{city.oin}.{new_id()}"
        reader, opened = await _reading(stack, city, group)
        await eventually(lambda: len(opened.asked) == LANES_LOCAL, 40, "every lane opened")
        assert {tuple(asked) for asked in opened.asked.values()} == {(False,)}
        _, other = await _reading(stack, city, group)
        await eventually(lambda: bool(other.asked), 40, "lanes for the second reader")
        kept = TopicPartition(INITIATIVES, min(each.partition for each in reader.assignment()))
        await eventually(lambda: len(opened.asked[kept]) > 1, 40, "a lane assigned anew")
        assert opened.asked[kept][-1] is True
        assert not any(known for asked in other.asked.values() for known in asked)
        before = len(opened.asked[kept])
        reader.reset_position(kept)
        await eventually(lambda: len(opened.asked[kept]) > before, 40, "a lane opened again")
        assert opened.asked[kept][-1] is False
