"""PostgreSQL for the integration tests: a server of their own, or the server named by ``make mutants``."""

import os
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.mutants.server import VARIABLE
from tests.support.postgres import postgres_server
from tests.support.service_schema import OPERATOR, Room, room


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """A superuser's URL."""
    if named := os.environ.get(VARIABLE):
        yield named
    else:
        with postgres_server() as url:
            yield url


@pytest_asyncio.fixture(scope="session")
async def registry_room(server: str) -> AsyncIterator[Room]:
    async with room(server) as made:
        yield made


@pytest_asyncio.fixture
async def registry(registry_room: Room) -> Room:
    """A registry without history, with lanes open to the operator."""
    await registry_room.clear()
    await registry_room.open_lanes(OPERATOR)
    return registry_room
