"""An ingress has no numbers that can be trusted: its offset says where to read, fences, and never makes one skip."""

import pytest
from samenspel.contracts.topics import ingress
from samenspel.messaging.inbox import offsets
from samenspel.messaging.ingress.decoding import decode

from services.registry.handlers import RegistryDecider
from tests.kit.events import Event, binary, initiative
from tests.law.log import APPENDED_AT, Log, Reader, record
from tests.law.rooms import OPERATOR, Room, statement

TOPIC = ingress("initiatives", OPERATOR)
LATER = APPENDED_AT + 86_400_000
CITY = "00000099000000000344"


def events(number: int) -> list[Event]:
    return [statement("initiative-registered", initiative()) for _ in range(number)]


async def opened(room: Room, log: Log) -> int:
    async with room.pool.acquire() as connection:
        return await offsets.resume_offset(connection, log, TOPIC)  # type: ignore[arg-type]  # a list in Kafka's place


async def read(room: Room, log: Log, start: int, end: int) -> bool:
    """One batch; whether it was decided."""
    reader, receiver = Reader(), room.ingress()
    receiver.positioned(TOPIC, start)
    await receiver(reader, log.partitions[TOPIC, 0][start:end])  # type: ignore[arg-type]
    await receiver.finish()
    return not reader.reopened


async def stands(room: Room) -> int:
    return int(await room.pool.fetchval("select next_offset from ingress_offset where topic = $1", TOPIC))


@pytest.mark.system
async def test_who_wakes_up_after_another_has_read_on_decides_nothing(registry: Room) -> None:
    log = Log()
    log.submit(TOPIC, events(5))
    assert await read(registry, log, await opened(registry, log), 5)
    before = await registry.contents()
    assert not await read(registry, log, 0, 2)
    assert await registry.contents() == before
    assert await stands(registry) == 5


@pytest.mark.system
async def test_a_log_made_anew_is_read_from_its_start(registry: Room) -> None:
    """As long as the one before, so that only the records themselves tell."""
    log = Log()
    log.submit(TOPIC, events(3))
    assert await read(registry, log, await opened(registry, log), 3)
    assert await opened(registry, log) == 3
    log.partitions.clear()
    log.submit(TOPIC, events(3), appended=LATER)
    assert await opened(registry, log) == 0


@pytest.mark.system
async def test_a_log_that_was_cut_back_is_read_from_its_start(registry: Room) -> None:
    log = Log()
    log.submit(TOPIC, events(3))
    assert await read(registry, log, await opened(registry, log), 3)
    del log.partitions[TOPIC, 0][1:]
    assert await opened(registry, log) == 0


def test_what_lies_in_an_ingress_speaks_for_its_topic_only() -> None:
    """Whoever is named in it: the topic's name says who wrote it."""
    theirs = statement("initiative-registered", initiative(), by=CITY)
    incoming = decode(record(TOPIC, 0, 0, *binary(theirs)), RegistryDecider.types)
    assert incoming.organisation == OPERATOR
    assert [problem.code for problem in getattr(incoming, "problems", ())] == ["source-mismatch"]
