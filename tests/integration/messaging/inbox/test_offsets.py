"""Ingress offsets: a stale reader is fenced, and a replaced log is read from the start."""

from samenspel.contracts.topics import ingress
from samenspel.messaging.inbox import offsets

from tests.support.events import Event, initiative
from tests.support.memory_log import APPENDED_AT, Log, Reader
from tests.support.service_schema import OPERATOR, Room, statement

TOPIC = ingress("initiatives", OPERATOR)
LATER = APPENDED_AT + 86_400_000


def events(number: int) -> list[Event]:
    return [statement("initiative-registered", initiative()) for _ in range(number)]


async def opened(room: Room, log: Log) -> int:
    async with room.pool.acquire() as connection:
        found = await offsets.resume_offsets(connection, log, [TOPIC])  # type: ignore[arg-type]  # lists for Kafka
    offset = found[TOPIC]
    assert isinstance(offset, int)
    return offset


async def read(room: Room, log: Log, start: int, end: int) -> bool:
    """A batch; returns whether the batch was decided."""
    reader, receiver = Reader(), room.ingress()
    receiver.positioned(TOPIC, start)
    await receiver(reader, log.partitions[TOPIC, 0][start:end])  # type: ignore[arg-type]
    await receiver.finish()
    return not reader.reopened


async def stands(room: Room) -> int:
    return int(await room.pool.fetchval("select next_offset from ingress_offset where topic = $1", TOPIC))


async def test_stale_reader_decides_nothing_after_another_has_committed(registry: Room) -> None:
    log = Log()
    log.submit(TOPIC, events(5))
    assert await read(registry, log, await opened(registry, log), 5)
    before = await registry.contents()
    assert not await read(registry, log, 0, 2)
    assert await registry.contents() == before
    assert await stands(registry) == 5


async def test_recreated_ingress_is_read_from_its_start(registry: Room) -> None:
    """As long as the previous log, so only the records differ."""
    log = Log()
    log.submit(TOPIC, events(3))
    assert await read(registry, log, await opened(registry, log), 3)
    assert await opened(registry, log) == 3
    log.partitions.clear()
    log.submit(TOPIC, events(3), appended=LATER)
    assert await opened(registry, log) == 0


async def test_truncated_ingress_is_read_from_its_start(registry: Room) -> None:
    log = Log()
    log.submit(TOPIC, events(3))
    assert await read(registry, log, await opened(registry, log), 3)
    del log.partitions[TOPIC, 0][1:]
    assert await opened(registry, log) == 0
