"""A flood in one organisation's ingress leaves every other its share of each batch, whoever comes first."""

from collections import Counter
from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition
from samenspel.messaging.kafka.consumer import PartitionConsumer, UnpositionedPartitions

ROOM = 500


class Flooded(PartitionConsumer):
    """A reader whose partitions hold so many records each; nothing is fetched."""

    def __init__(self, stored: dict[TopicPartition, int]) -> None:
        self._fetcher = SimpleNamespace(_records=stored)
        self._unpositioned = UnpositionedPartitions()
        self._rounds = 0

    def __del__(self) -> None:
        """There is nothing to close."""

    async def _records_of(self, partition: TopicPartition, room: int) -> list[Any]:
        taken = min(room, self._fetcher._records[partition])
        self._fetcher._records[partition] -= taken
        return [object()] * taken


async def test_a_flood_leaves_the_others_their_share() -> None:
    flood, *others = [TopicPartition(f"samenspel.in.initiatives.{number}", 0) for number in range(4)]
    reader = Flooded({flood: 100_000, **dict.fromkeys(others, 300)})
    served: Counter[TopicPartition] = Counter()
    for _ in range(4):
        drained = await reader._drain(ROOM)
        assert sum(map(len, drained.values())) <= ROOM
        served.update({partition: len(records) for partition, records in drained.items()})
    assert all(served[other] == 300 for other in others)


async def test_what_others_leave_is_not_lost_room() -> None:
    """One that has much to send may fill the batch when nobody else has anything."""
    flood, quiet = [TopicPartition(f"samenspel.in.initiatives.{number}", 0) for number in range(2)]
    reader = Flooded({flood: 100_000, quiet: 0})
    taken = [sum(map(len, (await reader._drain(ROOM)).values())) for _ in range(2)]
    assert max(taken) == ROOM
