"""A PostgreSQL for these tests: that of the running system, or the one that ``make mutants`` names."""

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.law.rooms import OPERATOR, Room, room
from tests.mutants.server import VARIABLE


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> str:
    """A superuser's URL."""
    named = os.environ.get(VARIABLE)
    return named or str(request.getfixturevalue("system").postgres.admin_dsn)


@pytest_asyncio.fixture(scope="session")
async def registry_room(server: str) -> AsyncIterator[Room]:
    async with room(server) as made:
        yield made


@pytest_asyncio.fixture
async def registry(registry_room: Room) -> Room:
    """A registry without history, whose doors are open to the operator."""
    await registry_room.clear()
    await registry_room.open_lanes(OPERATOR)
    return registry_room
