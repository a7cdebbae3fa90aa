"""An ingress with a submission that needs a diverged lane: not read, nothing lost, and others are decided."""

from collections.abc import Sequence
from dataclasses import replace
from math import inf
from typing import Final

import pytest
from aiokafka import TopicPartition
from samenspel.contracts.catalogue import AggregateRef
from samenspel.contracts.submissions import Submission
from samenspel.contracts.topics import ORGANISATIONS, ingress
from samenspel.messaging.inbox import offsets
from samenspel.messaging.ingress.kafka_receiver import KafkaReceiver
from samenspel.runtime.database_health import StorageFull

from tests.support.deciders import FACT, Referring, arrive
from tests.support.events import initiative
from tests.support.memory_log import Log, Reader
from tests.support.service_schema import OPERATOR, Room, statement

CITY: Final = "00000099000000000344"
HELD, OTHER = ingress("initiatives", CITY), ingress("initiatives", OPERATOR)
NEEDING: Final = "needs the lane"


class Selective(Referring):
    """Only initiatives with this title need the lane."""

    def foreign_refs(self, submission: Submission) -> Sequence[AggregateRef]:
        return [FACT] if getattr(submission.data, "title", "") == NEEDING else []


async def offsets_of(room: Room) -> dict[str, int]:
    return {row["topic"]: row["next_offset"] for row in await room.rows("table ingress_offset")}


async def answered(room: Room) -> set[str]:
    """The ids of the answered submissions of the city."""
    return {row["id"] for row in await room.rows("select id from submission where organisation = $1", CITY)}


@pytest.fixture
async def receiver(registry: Room) -> KafkaReceiver:
    handlers = Selective()
    handlers.refers = lambda submission: False
    await arrive(registry)
    await registry.open_lanes(CITY)
    async with registry.pool.acquire() as connection:
        for topic in (HELD, OTHER):
            await connection.execute(offsets.CREATE, [topic])
    await registry.pool.execute("insert into checkpoint (topic, lane, diverged_at) values ($1, 0, 2)", ORGANISATIONS)
    made = KafkaReceiver(replace(registry.processor(handlers)), registry.pool, lambda number: None, StorageFull())
    for topic in (HELD, OTHER):
        made.positioned(topic, 0)
    return made


async def test_ingress_is_held_before_the_first_submission_that_needs_the_lane(
    registry: Room, receiver: KafkaReceiver
) -> None:
    log, reader = Log(), Reader()
    titles = ["free", NEEDING, "free", "free"]
    city = [statement("initiative-registered", initiative(title=title), by=CITY) for title in titles]
    log.submit(HELD, city)
    log.submit(OTHER, [statement("initiative-registered", initiative()) for _ in range(4)])
    records = [*log.partitions[HELD, 0], *log.partitions[OTHER, 0]]
    await receiver(reader, records)  # type: ignore[arg-type]  # lists in Kafka's place

    assert reader.paused == {HELD: inf}
    assert {each.topic for each in reader.reopened} == {HELD, OTHER}, "read again from the stored offsets"
    assert await offsets_of(registry) == {HELD: 1, OTHER: 4}
    assert await registry.rows("select from deferral") == []
    assert await answered(registry) == {city[0]["id"]}, "the order of the city stays"
    assert receiver.held == {HELD: {(ORGANISATIONS, 0)}}

    assert receiver.release({(ORGANISATIONS, 0), (ORGANISATIONS, 1)}) == []
    assert receiver.release({(ORGANISATIONS, 1)}) == [TopicPartition(HELD, 0)]
    assert receiver.held == {}
    await registry.pool.execute("update checkpoint set diverged_at = null")
    receiver.positioned(HELD, 1)
    await receiver(Reader(), log.partitions[HELD, 0][1:])  # type: ignore[arg-type]
    assert await offsets_of(registry) == {HELD: 4, OTHER: 4}
    assert await answered(registry) == {each["id"] for each in city}


async def test_ingress_that_begins_with_such_a_submission_keeps_its_offset(
    registry: Room, receiver: KafkaReceiver
) -> None:
    log, reader = Log(), Reader()
    log.submit(HELD, [statement("initiative-registered", initiative(title=NEEDING), by=CITY)])
    await receiver(reader, log.partitions[HELD, 0])  # type: ignore[arg-type]
    assert (reader.paused, await offsets_of(registry)) == ({HELD: inf}, {HELD: 0, OTHER: 0})
