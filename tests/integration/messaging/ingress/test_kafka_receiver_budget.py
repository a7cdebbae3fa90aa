"""An organisation above its storage budget: its partition is paused, and the others' records are decided."""

from dataclasses import replace
from typing import Final

from samenspel.contracts.topics import ingress
from samenspel.messaging.inbox import offsets
from samenspel.messaging.inbox.storage_budget import StorageBudget
from samenspel.messaging.ingress.kafka_receiver import KafkaReceiver
from samenspel.messaging.kafka.record_batches import UndecodableMarker
from samenspel.runtime.database_health import StorageFull
from samenspel.runtime.metrics import LIMIT_REACHED, NOT_ADMITTED

from tests.support.events import initiative
from tests.support.memory_log import Log, Reader
from tests.support.service_schema import OPERATOR, Room, statement

CITY: Final = "00000099000000000344"
FLOOD, OTHER = ingress("initiatives", CITY), ingress("initiatives", OPERATOR)
LIMIT: Final = 20_000


def receiver_of(room: Room) -> KafkaReceiver:
    processor = replace(room.processor(), storage=StorageBudget(LIMIT))
    return KafkaReceiver(processor, room.pool, lambda number: None, StorageFull())


async def read(receiver: KafkaReceiver, reader: Reader, log: Log, start: int, end: int) -> None:
    """One batch with these offsets of both topics."""
    records = [each for topic in (FLOOD, OTHER) for each in log.partitions[topic, 0][start:end]]
    await receiver(reader, records)  # type: ignore[arg-type]  # lists in Kafka's place
    await receiver.finish()


async def opened(room: Room) -> None:
    await room.open_lanes(CITY)
    async with room.pool.acquire() as connection:
        for topic in (FLOOD, OTHER):
            await connection.execute(offsets.CREATE, [topic])


def reached() -> float:
    return float(LIMIT_REACHED.labels("stored-bytes", NOT_ADMITTED)._value.get())


async def test_partition_of_a_flood_is_paused_and_the_other_organisation_is_answered(registry: Room) -> None:
    log, reader, receiver = Log(), Reader(), receiver_of(registry)
    for _ in range(60):
        log.append(FLOOD, 0, [], b"no event")
        log.submit(OTHER, [statement("initiative-registered", initiative())])
    await opened(registry)
    for topic in (FLOOD, OTHER):
        receiver.positioned(topic, 0)
    before = reached()
    await read(receiver, reader, log, 0, 1)
    assert reader.paused == {}
    await read(receiver, reader, log, 1, 60)
    assert set(reader.paused) == {FLOOD}
    assert 0 < reader.paused[FLOOD] < 86_400 * 10
    assert reached() == before + 1
    assert await registry.pool.fetchval("select count(*) from aggregate") == 60
    assert {row["topic"]: row["next_offset"] for row in await registry.rows("table ingress_offset")} == {
        FLOOD: 60,
        OTHER: 60,
    }


async def test_undecodable_record_is_stored_once(registry: Room) -> None:
    """The raw bytes contain key and value."""
    log, receiver = Log(), receiver_of(registry)
    raw = b"frame" + b"v" * 10_000
    log.append(FLOOD, 0, [(UndecodableMarker("no UTF-8"), raw)], b"v" * 10_000, key=b"key")  # type: ignore[list-item]
    log.partitions[OTHER, 0] = []
    await opened(registry)
    receiver.positioned(FLOOD, 0)
    await read(receiver, Reader(), log, 0, 1)
    [row] = await registry.rows("select key, headers, value, raw from quarantine")
    assert (row["key"], row["headers"], row["value"], row["raw"]) == (None, None, None, raw)
