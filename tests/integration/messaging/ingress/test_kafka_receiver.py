"""An ingress batch is committed whole or not at all, at every point of death."""

import orjson
import pytest
from samenspel.contracts.topics import INITIATIVES, ingress, receipts
from samenspel.messaging.decisions import processor
from samenspel.messaging.inbox import offsets
from samenspel.runtime import failpoints

from tests.support.crash import deaths_of
from tests.support.events import initiative
from tests.support.memory_log import Log, Reader
from tests.support.service_schema import OPERATOR, Room, statement

TOPIC = ingress("initiatives", OPERATOR)


def a_log() -> Log:
    """An initiative, a change, and a refused submission."""
    stated = initiative()
    change = {"initiative_id": stated["initiative_id"], "based_on_version": 1, "title": "Anders"}
    log = Log()
    log.submit(TOPIC, [statement("initiative-registered", stated), statement("initiative-changed", change)])
    log.submit(TOPIC, [statement("initiative-registered", initiative(theme="war"))])
    return log


@pytest.mark.parametrize("page", [100, 1])
async def test_ingress_batch_is_committed_whole_or_not_at_all(
    registry: Room, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events, receipts, first answers, state and ingress offset: a single transaction, in any number of parts."""
    monkeypatch.setattr(processor, "SUBMISSIONS_PER_WRITE", page)
    log = a_log()
    async with registry.pool.acquire() as connection:
        await connection.execute(offsets.CREATE, [TOPIC])
    reached = await deaths_of(registry, lambda: decided(registry, log))
    assert {"offsets.lock", "postgres.write-together", "registry.index-initiatives", "ingress.commit"} <= set(reached)
    journal = await registry.rows("select topic, sequence, value from journal order by topic, sequence")
    receipt = receipts("initiatives", OPERATOR)
    assert [(row["topic"], row["sequence"]) for row in journal] == [(INITIATIVES, 1), (INITIATIVES, 2), (receipt, 1)]
    said = [answer["outcome"] for answer in orjson.loads(journal[2]["value"])["answers"]]
    assert said == ["accepted", "accepted", "rejected"]
    assert [row["next_offset"] for row in await registry.rows("select next_offset from ingress_offset")] == [3]


async def test_rows_are_in_memory_only_after_their_commit(registry: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    log, receiver, reader = a_log(), registry.ingress(), Reader()
    async with registry.pool.acquire() as connection:
        await connection.execute(offsets.CREATE, [TOPIC])

    def lost(name: str) -> None:
        if name == "ingress.commit":
            raise ConnectionResetError

    monkeypatch.setattr(failpoints, "reached", lost)
    for ranges in (0, 2):
        receiver.positioned(TOPIC, 0)
        await receiver(reader, log.partitions[TOPIC, 0])  # type: ignore[arg-type]  # a list in Kafka's place
        await receiver.finish()
        assert len(receiver._recent.ranges()) == ranges
        monkeypatch.undo()


async def decided(room: Room, log: Log) -> bool:
    """Whether the ingress could be read as a batch; resolving the offset is not included."""
    reader, receiver = Reader(), room.ingress()
    receiver.positioned(TOPIC, 0)
    await receiver(reader, log.partitions[TOPIC, 0])  # type: ignore[arg-type]  # a list in Kafka's place
    await receiver.finish()
    return not reader.reopened
