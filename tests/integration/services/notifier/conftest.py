"""A notifier's tables, empty for each test."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.support.notifier_schema import NotifierSchema
from tests.support.service_schema import Room, room


@pytest_asyncio.fixture(scope="session")
async def notifier_room(server: str) -> AsyncIterator[Room]:
    async with room(server, "notifier") as made:
        yield made


@pytest_asyncio.fixture
async def notifier(notifier_room: Room) -> NotifierSchema:
    await notifier_room.clear()
    return NotifierSchema(notifier_room)
