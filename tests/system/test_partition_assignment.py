"""The state of a reader after a new partition assignment: partitions that stay are not opened again."""

import asyncio
from collections import Counter
from collections.abc import Collection
from contextlib import AsyncExitStack, suppress
from typing import Any

from aiokafka import TopicPartition
from samenspel.contracts.topics import INITIATIVES, LANES_LOCAL
from samenspel.messaging.kafka.assignor import RendezvousAssignor
from samenspel.messaging.kafka.consumer import PartitionConsumer

from tests.conftest import Admit
from tests.support.events import new_id
from tests.support.organisations import Organisation
from tests.support.waiting import eventually


class Opened:
    """A resolver with the beginning of the log as position, and the number of requests by partition."""

    def __init__(self) -> None:
        self.asked: Counter[TopicPartition] = Counter()

    async def __call__(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int | Exception]:
        self.asked.update(partitions)
        return dict.fromkeys(partitions, 0)


async def _reading(stack: AsyncExitStack, organisation: Organisation, group: str) -> tuple[PartitionConsumer, Opened]:
    """A reader of the canonical lanes in this group, until the end of the test."""
    opened = Opened()
    settings: dict[str, Any] = {**organisation.kafka, "group_id": group, "metadata_max_age_ms": 1_000}
    reader = PartitionConsumer(
        resolve_offsets=opened,
        auto_offset_reset="none",
        partition_assignment_strategy=[RendezvousAssignor],
        **settings,
    )
    reader.subscribe(topics=[INITIATIVES])
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
        states = {each: reader._subscription._assigned_state(each) for each in reader.assignment()}
        _, other = await _reading(stack, city, group)
        await eventually(lambda: len(other.asked) == LANES_LOCAL // 2, 40, "half of the lanes for the second reader")
        await eventually(lambda: len(reader.assignment()) == LANES_LOCAL // 2, 40, "the other half stays")
        assert opened.asked == dict.fromkeys(states, 1), "nothing is opened again"
        kept = min(reader.assignment())
        assert reader._subscription._assigned_state(kept) is states[kept]
        reader.reset_position(kept)
        await eventually(lambda: opened.asked[kept] == 2, 40, "a reset lane opened again")
