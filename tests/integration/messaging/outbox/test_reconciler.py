"""Before publishing, Kafka's content is reconciled with the database."""

import pytest
from samenspel.contracts.topics import INITIATIVES, LANES_LOCAL, lane_of
from samenspel.messaging.errors import LaneNotReconciled
from samenspel.messaging.outbox.reconciler import Reconciler

from tests.support.events import new_id
from tests.support.lane_owner import Owner
from tests.support.memory_log import Log, publish
from tests.support.retention import LANE, publish_all, retain, settle_days_ago
from tests.support.service_schema import Room, outcomes, registered

CLOSE = "update lane set reconciled = ''"


@pytest.fixture
def log() -> Log:
    """A Kafka with all of the registry's lanes, empty."""
    return Log()


async def look(room: Room, log: Log) -> Reconciler:
    """A fresh start: no lane is reconciled yet."""
    await room.pool.execute(CLOSE)
    reconciler = Reconciler(room.pool, log, lambda: None)  # type: ignore[arg-type]  # lists in Kafka's place
    await reconciler.reconcile_all()
    return reconciler


async def test_lanes_open_when_journal_and_kafka_agree(registry: Room, log: Log) -> None:
    await registry.settle(registered())
    await publish(registry, log)
    reconciler = await look(registry, log)
    assert (reconciler.needs_recovery, reconciler.closed_lanes) == (False, {})
    assert outcomes(await registry.settle(registered())) == ["accepted"]
    behind = await registry.rows(
        "select l.sequence - p.sequence as n from lane l join relay_progress p using (topic, lane)"
    )
    assert sum(row["n"] for row in behind) == 2, "only what came since: one fact and one receipt"


async def test_no_lane_opens_when_kafka_holds_more_on_any_lane(registry: Room, log: Log) -> None:
    """The database was restored from an older backup: the other lanes may be as old."""
    owner = Owner(lane=0)
    lost = owner.publish()
    log.append(INITIATIVES, 0, lost.headers(), lost.value())
    reconciler = await look(registry, log)
    assert reconciler.needs_recovery
    elsewhere = next(key for key in iter(new_id, "") if lane_of(key, LANES_LOCAL) != 0)
    with pytest.raises(LaneNotReconciled):
        await registry.settle(registered(initiative_id=elsewhere))


async def test_no_lane_opens_when_kafka_holds_another_event_of_the_same_sequence(registry: Room, log: Log) -> None:
    here = next(key for key in iter(new_id, "") if lane_of(key, LANES_LOCAL) == 0)
    await registry.settle(registered(initiative_id=here))
    other = Owner(lane=0).publish()
    log.append(INITIATIVES, 0, other.headers(), other.value())
    assert (await look(registry, log)).needs_recovery
    with pytest.raises(LaneNotReconciled):
        await registry.settle(registered())


async def test_lane_is_closed_after_a_restart_of_the_database_until_reconciled(registry: Room) -> None:
    """The database was restarted or restored under a running instance, without a notice to the instance."""
    await registry.pool.execute("update lane set reconciled = 'another life'")
    with pytest.raises(LaneNotReconciled):
        await registry.settle(registered())


FROM_THE_START = "update relay_progress set next_offset = 0"
"""The next reconciliation compares the whole log."""
PROGRESS = "select sequence from relay_progress where (topic, lane) = ($1, $2)"


async def with_removed_receipts(room: Room, log: Log) -> None:
    """Two receipts are in Kafka only, a third is in the journal too."""
    await settle_days_ago(room, 91, registered(), registered())
    await room.settle(registered())
    await publish(room, log)
    await publish_all(room)
    await retain(room.pool)


async def test_lanes_open_after_receipts_were_removed(registry: Room, log: Log) -> None:
    """The comparison starts where the journal starts."""
    await with_removed_receipts(registry, log)
    await registry.pool.execute(FROM_THE_START)
    reconciler = await look(registry, log)
    assert (reconciler.needs_recovery, reconciler.closed_lanes) == (False, {})
    assert await registry.pool.fetchval(PROGRESS, *LANE) == 3


async def test_no_lane_opens_when_a_receipt_behind_the_start_of_the_journal_differs(registry: Room, log: Log) -> None:
    await with_removed_receipts(registry, log)
    await registry.pool.execute(FROM_THE_START)
    await registry.pool.execute("update journal set headers = headers || 'x'::bytea where topic = $1", LANE[0])
    assert (await look(registry, log)).needs_recovery


async def test_log_published_again_without_removed_receipts_is_whole(registry: Room, log: Log) -> None:
    """Kafka lost the topic: the journal gives what it has, once, and the next receipt follows."""
    await with_removed_receipts(registry, log)
    del log.partitions[LANE][:2]
    reconciler = await look(registry, log)
    assert (reconciler.needs_recovery, reconciler.closed_lanes) == (False, {})
    assert await registry.pool.fetchval(PROGRESS, *LANE) == 3


async def test_expired_receipts_are_not_taken_for_lost_receipts(registry: Room, log: Log) -> None:
    """An organisation sent nothing for longer than the retention: the log of its receipts is empty."""
    await with_removed_receipts(registry, log)
    reconciler = await look(registry, log)
    log.starts[LANE] = len(log.partitions[LANE])
    for _ in log.partitions:
        await reconciler.check_log_ends()
    reconciler.reconciled.clear()
    await reconciler.recheck_suspects()
    assert reconciler.reconciled == set()


async def test_receipt_on_the_way_does_not_hide_receipts_that_kafka_lost(registry: Room, log: Log) -> None:
    """The topic was made anew while a relay sent the last receipt: the receipts before are published again."""
    await with_removed_receipts(registry, log)
    await registry.settle(registered())
    log.partitions.clear()
    await publish(registry, log)
    del log.partitions[LANE][0]
    assert not (await look(registry, log)).needs_recovery
    assert await registry.pool.fetchval(PROGRESS, *LANE) == 2
