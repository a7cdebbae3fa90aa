"""The ends of the lanes in Kafka: asked each time, and an error that is retried when Kafka does not answer."""

import asyncio
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError
from samenspel.contracts.topics import CANONICAL, INITIATIVES
from samenspel.messaging import TRANSIENT, LogEnds, LogEndsUnavailable
from samenspel.messaging.kafka import log_ends

SETTINGS: Any = SimpleNamespace(lanes=4, kafka=dict)


def asking(monkeypatch: pytest.MonkeyPatch, answer: Callable[[Sequence[TopicPartition]], Any]) -> LogEnds:
    class Reader:
        def __init__(self, settings: object) -> None: ...

        async def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
            found = answer(partitions)
            return await found if asyncio.isfuture(found) else found

        async def close(self) -> None: ...

    monkeypatch.setattr(log_ends, "LogReader", Reader)
    return LogEnds(SETTINGS)


async def test_all_canonical_lanes_are_asked_in_one_request(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def answer(partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        asked.append(set(partitions))
        return {TopicPartition(INITIATIVES, 1): 7}

    ends = asking(monkeypatch, answer)
    assert await ends() == {(INITIATIVES, 1): 7}
    assert asked == [{TopicPartition(topic, lane) for topic in CANONICAL for lane in range(4)}]
    await ends.close()


async def test_unreachable_or_silent_kafka_is_an_error_that_is_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(partitions: object) -> Any:
        raise KafkaConnectionError

    for answer in (refuse, lambda partitions: asyncio.get_running_loop().create_future()):
        with pytest.raises(LogEndsUnavailable, match="Kafka does not answer") as refusal:
            await asking(monkeypatch, answer)(0.01)
        assert isinstance(refusal.value, TRANSIENT)
