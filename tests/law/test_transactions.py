"""Wherever a process dies, its transaction has said everything or nothing; read again, it goes through once."""

from typing import Any

import orjson
import pytest
from aiokafka import ConsumerRecord
from samenspel.contracts.topics import INITIATIVES, ingress, receipts
from samenspel.messaging.decisions import processor
from samenspel.messaging.inbox import offsets
from samenspel.messaging.projections import checkpoints
from samenspel.messaging.projections.projector import Projector

from tests.client.log import Owner
from tests.kit.events import initiative
from tests.law.deaths import dying_at
from tests.law.log import Log, Reader, record
from tests.law.rooms import OPERATOR, Room, statement

pytestmark = pytest.mark.system

TOPIC = ingress("initiatives", OPERATOR)
POINTS_MAX = 100


def a_log() -> Log:
    """An initiative, a change of it, and what is refused."""
    stated = initiative()
    change = {"initiative_id": stated["initiative_id"], "based_on_version": 1, "title": "Anders"}
    log = Log()
    log.submit(TOPIC, [statement("initiative-registered", stated), statement("initiative-changed", change)])
    log.submit(TOPIC, [statement("initiative-registered", initiative(theme="war"))])
    return log


async def deaths_of(room: Room, attempt: Any) -> list[str]:
    """Die at the first point, then at the second, and so on until it goes through; all that it came by."""
    before = await room.contents()
    for number in range(1, POINTS_MAX):
        with dying_at(number) as reached:
            done = await attempt()
        if done:
            return reached
        assert await room.contents() == before, f"died at {reached[-1]}, and something was left"
    raise AssertionError("it never went through")


@pytest.mark.parametrize("page", [100, 1])
async def test_an_ingress_batch_is_decided_whole_or_not_at_all(
    registry: Room, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Facts, receipts, first answers, state and the door's position: one transaction, on however many pages."""
    monkeypatch.setattr(processor, "SUBMISSIONS_PER_WRITE", page)
    log = a_log()
    async with registry.pool.acquire() as connection:
        await connection.execute(offsets.CREATE, TOPIC)
    reached = await deaths_of(registry, lambda: decided(registry, log))
    assert {"offsets.lock", "journal.write", "answers.insert", "aggregates.save", "offsets.save"} <= set(reached)
    journal = await registry.rows("select topic, sequence, value from journal order by topic, sequence")
    receipt = receipts("initiatives", OPERATOR)
    assert [(row["topic"], row["sequence"]) for row in journal] == [(INITIATIVES, 1), (INITIATIVES, 2), (receipt, 1)]
    said = [answer["outcome"] for answer in orjson.loads(journal[2]["value"])["answers"]]
    assert said == ["accepted", "accepted", "rejected"]
    assert [row["next_offset"] for row in await registry.rows("select next_offset from ingress_offset")] == [3]


async def decided(room: Room, log: Log) -> bool:
    """Whether the ingress could be read, as one batch; opening its door is no part of that."""
    reader, receiver = Reader(), room.ingress()
    receiver.positioned(TOPIC, 0)
    await receiver(reader, log.partitions[TOPIC, 0])  # type: ignore[arg-type]  # a list in Kafka's place
    await receiver.finish()
    return not reader.reopened


async def test_a_copy_moves_with_its_position_or_not_at_all(registry: Room) -> None:
    owner = Owner()
    records = [as_read(owner.publish(subject)) for subject in ("a", "b", "a")]
    async with registry.pool.acquire() as connection:
        await checkpoints.load(connection, (INITIATIVES, 0))

    async def attempt() -> bool:
        reader = Reader()
        await Projector(registry.pool, Log(), lambda number: None)(reader, records)  # type: ignore[arg-type]
        return not reader.reopened

    reached = await deaths_of(registry, attempt)
    assert {"checkpoints.lock", "projector.save", "checkpoints.save", "projector.commit"} <= set(reached)
    [position] = await registry.rows("select * from checkpoint")
    assert (position["sequence"], int.from_bytes(position["digest"], "big")) == (3, owner.digest)


def as_read(published: Any) -> ConsumerRecord:
    """As a consumer gets it."""
    return record(INITIATIVES, published.partition(), published.offset(), published.headers(), published.value())
