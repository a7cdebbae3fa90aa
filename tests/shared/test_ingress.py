"""Reading ahead of deciding: nothing is decided before what lies in front of it."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from samenspel.messaging.errors import FenceLost
from samenspel.messaging.ingress import Batch, Ingress
from samenspel.messaging.room import Room

TOPIC = "samenspel.in.initiatives.00000099000000000001"


class Reader:
    def __init__(self) -> None:
        self.reopened: list[TopicPartition] = []

    def reopen(self, partition: TopicPartition) -> None:
        self.reopened.append(partition)


def record(offset: int) -> Any:
    return SimpleNamespace(topic=TOPIC, partition=0, offset=offset, timestamp=1, key=b"", headers=None, value=b"")


async def test_what_was_read_behind_an_undecided_batch_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model's ``BATCH_BEFORE``: an old log's batch may have moved the door to just where the next one begins."""
    tried: list[Sequence[int]] = []

    async def commit(batch: Batch) -> None:
        tried.append([each.offset for each in batch.records])
        if len(tried) == 1:
            raise FenceLost("the door stands elsewhere")

    desk: Any = SimpleNamespace(handlers=SimpleNamespace(types={}))
    pool: Any = None
    reader: Any = Reader()
    ingress = Ingress(desk, pool, lambda _: None, Room())
    monkeypatch.setattr(ingress, "_commit", commit)
    ingress.opened(TOPIC, 0)
    await ingress(reader, [record(0)])
    await ingress(reader, [record(1)])
    await ingress.finish()
    assert tried == [[0]]
    assert set(reader.reopened) == {TopicPartition(TOPIC, 0)}
    ingress.opened(TOPIC, 0)
    await ingress(reader, [record(0), record(1)])
    await ingress.finish()
    assert tried[1:] == [[0, 1]]
