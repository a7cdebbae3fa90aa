"""The membership in the consumer groups is given up while the database is silent, however stopping goes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from samenspel.messaging.kafka import group_membership
from samenspel.messaging.kafka.group_membership import GroupMembership

from tests.support.waiting import eventually


class Heartbeat:
    def __init__(self) -> None:
        self.answers, self.silent = asyncio.Event(), asyncio.Event()
        self.answers.set()

    def fall_silent(self) -> None:
        self.answers.clear()
        self.silent.set()

    def answer(self) -> None:
        self.silent.clear()
        self.answers.set()


class Reader:
    has_failed = is_stopped = False

    async def stop(self) -> None:
        self.is_stopped = True


class Broker:
    def __init__(self, stop: str, kafka_is_back: asyncio.Event) -> None:
        self.stopped = False
        self.reader = Reader()
        self.subscribers = [SimpleNamespace(consumer=self.reader)]
        self._stop = stop
        self._kafka_is_back = kafka_is_back

    async def stop(self) -> None:
        self.stopped = True
        if self._stop == "hangs":
            await self._kafka_is_back.wait()
        if self._stop == "fails":
            raise OSError("Kafka is away")
        if self._stop == "is cancelled":
            raise asyncio.CancelledError


class Group:
    """The members; ``finished`` counts the waits for work in progress."""

    def __init__(self, stop: str = "") -> None:
        self.joined: list[Broker] = []
        self.finished = 0
        self.kafka_is_back = asyncio.Event()
        self._stop = stop

    async def join(self) -> Any:
        self.joined.append(Broker(self._stop, self.kafka_is_back))
        return self.joined[-1]

    async def finish(self) -> None:
        self.finished += 1


@asynccontextmanager
async def running(heartbeat: Any, group: Group) -> AsyncIterator[GroupMembership]:
    member = GroupMembership(heartbeat, group.join, group.finish)
    task = asyncio.create_task(member.run())
    try:
        yield member
    finally:
        task.cancel()
        await asyncio.wait([task])
        group.kafka_is_back.set()


@pytest.mark.parametrize("stop", ["", "hangs", "fails", "is cancelled"])
async def test_group_is_left_while_the_database_is_silent_and_joined_again(
    stop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cancellations leak from aiokafka's ``stop`` during a Kafka outage: none of our tasks ends."""
    monkeypatch.setattr(group_membership, "LEAVE_SECONDS_MAX", 0.01)
    heartbeat, group = Heartbeat(), Group(stop)
    async with running(heartbeat, group) as member:
        assert "consumer" in member.problems()
        await eventually(lambda: not member.problems())
        heartbeat.fall_silent()
        assert "database" in member.problems()
        await eventually(lambda: group.finished)
        assert group.joined[0].stopped
        assert group.joined[0].reader.is_stopped
        assert len(group.joined) == 1
        heartbeat.answer()
        await eventually(lambda: not member.problems())
        assert len(group.joined) == 2


async def test_group_joined_after_the_database_fell_silent_is_left_again() -> None:
    heartbeat, group = Heartbeat(), Group()
    heartbeat.silent.set()
    async with running(heartbeat, group):
        await eventually(lambda: group.joined and group.joined[0].stopped, 5)


async def test_group_is_joined_again_when_a_reader_has_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """aiokafka keeps the membership alive: no other member would get the partitions."""
    monkeypatch.setattr(group_membership, "CHECK_SECONDS", 0.01)
    heartbeat, group = Heartbeat(), Group()
    async with running(heartbeat, group) as member:
        await eventually(lambda: not member.problems())
        group.joined[0].reader.has_failed = True
        await eventually(lambda: len(group.joined) == 2)
        assert group.joined[0].stopped
        await eventually(lambda: not member.problems())


async def test_end_of_the_membership_stops_its_broker() -> None:
    heartbeat, group = Heartbeat(), Group()
    async with running(heartbeat, group) as member:
        await eventually(lambda: not member.problems())
    await member.stop()
    assert group.joined[0].stopped
    assert group.finished == 1
