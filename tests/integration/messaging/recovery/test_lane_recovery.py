"""Events lost by the database and present in Kafka come back as the former state, without new decisions."""

from collections.abc import Sequence
from typing import Any, Final

from samenspel.contracts.submission_hashes import HashKeys
from samenspel.contracts.topics import INITIATIVES, LaneId
from samenspel.messaging.recovery.lane_recovery import LaneReplay, recover_lane
from samenspel.messaging.recovery.replay import EventReplay, receipt_replay

from tests.support.memory_log import Log, publish
from tests.support.retention import LANE, publish_all, retain, sequences, settle_days_ago
from tests.support.service_schema import OPERATOR, Room, changed, outcomes, registered

STATE: Final = (
    "select topic, lane, timeline, sequence, key, headers, value from journal order by topic, lane, sequence",
    "select topic, lane, timeline, sequence, digest from lane order by topic, lane",
    "select aggregate, subject, topic, lane, value, hash from aggregate order by subject",
    "select * from initiative_index order by initiative_id",
)
LANES: Final = "select distinct topic, lane from journal order by topic, lane"


async def state_of(room: Room) -> list[list[Any]]:
    return [await room.rows(query) for query in STATE]


async def lose_everything(room: Room) -> None:
    """A backup from before the first day."""
    await room.clear()
    await room.open_lanes(OPERATOR)


async def recover(room: Room, log: Log, lanes: Sequence[LaneId]) -> None:
    """As `samenspel.messaging.operator.lane_operations` does, lane by lane."""
    async with room.pool.acquire() as connection:
        for topic, lane in lanes:
            fold = receipt_replay(HashKeys())
            if topic == INITIATIVES:
                fold = LaneReplay(EventReplay(room.handlers).apply)
            await recover_lane(connection, log, (topic, lane), fold)  # type: ignore[arg-type]  # lists for Kafka


async def test_recovered_lane_equals_the_lost_state_byte_for_byte(registry: Room) -> None:
    """Journal, lanes, aggregates and the service's own tables, byte for byte; new events can follow."""
    stated, other, log = registered(), registered(), Log()
    await registry.settle(stated, other)
    await registry.settle(changed(stated.subject, 1, "Anders"))
    await publish(registry, log)
    before, lanes = await state_of(registry), [(row["topic"], row["lane"]) for row in await registry.rows(LANES)]
    await lose_everything(registry)
    await recover(registry, log, lanes)
    assert await state_of(registry) == before
    assert outcomes(await registry.settle(changed(stated.subject, 2, "Nog anders"))) == ["accepted"]


async def test_recovered_event_without_its_receipt_proves_its_submission_accepted(registry: Room) -> None:
    """The receipt may have expired, or never have reached Kafka."""
    stated, log = registered(), Log()
    await registry.settle(stated)
    await publish(registry, log)
    [lane] = await registry.rows("select topic, lane from journal where topic = $1", INITIATIVES)
    await lose_everything(registry)
    await recover(registry, log, [(lane["topic"], lane["lane"])])
    assert outcomes(await registry.settle(stated)) == ["repeated"]


async def test_receipts_behind_removed_receipts_are_recovered(registry: Room) -> None:
    """The backup is younger than the removal; a refusal after the backup is in Kafka only."""
    log, later = Log(), changed(registered().subject, 1, "Onbekend")
    await settle_days_ago(registry, 91, registered(), registered())
    await publish(registry, log)
    await publish_all(registry)
    await retain(registry.pool)
    await registry.settle(later)
    await publish_receipts(registry, log)
    await registry.pool.execute("delete from submission where id = $1", later.id)
    await registry.pool.execute("delete from journal where (topic, sequence) = ($1, 3)", LANE[0])
    await registry.pool.execute("update lane set sequence = 2 where topic = $1", LANE[0])
    await recover(registry, log, [LANE])
    assert await sequences(registry) == [3]
    assert outcomes(await registry.settle(later)) == ["repeated"]


async def test_log_that_begins_behind_removed_receipts_is_recovered(registry: Room) -> None:
    """Kafka lost the topic and got the journal again, without removed receipts; then the database is lost."""
    log, later = Log(), changed(registered().subject, 1, "Onbekend")
    await settle_days_ago(registry, 91, registered(), registered())
    await publish_all(registry)
    await retain(registry.pool)
    await registry.settle(later)
    await publish_receipts(registry, log)
    await lose_everything(registry)
    await recover(registry, log, [LANE])
    assert await sequences(registry) == [3]
    assert outcomes(await registry.settle(later)) == ["repeated"]


async def test_backup_older_than_the_start_of_the_log_gets_one_start(registry: Room) -> None:
    """The backup has receipts that the log has lost: between these and the log, numbers are lost for good."""
    log = Log()
    await settle_days_ago(registry, 91, registered(), registered(), registered(), registered())
    await publish_receipts(registry, log)
    del log.partitions[LANE][:3]
    await registry.pool.execute("delete from journal where topic = $1 and sequence > 2", LANE[0])
    await registry.pool.execute("update lane set sequence = 2 where topic = $1", LANE[0])
    await recover(registry, log, [LANE])
    assert await sequences(registry) == [4]
    assert await registry.pool.fetchval("select removed from journal_start") == 3
    assert outcomes(await registry.settle(registered())) == ["accepted"]
    assert await sequences(registry) == [4, 5]


async def publish_receipts(room: Room, log: Log) -> None:
    """The rows that the receipts lane has now."""
    canonical = Log()
    await publish(room, canonical)
    log.partitions.setdefault(LANE, []).extend(canonical.partitions[LANE])
