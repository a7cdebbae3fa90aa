"""Before anything is published: what Kafka holds is compared with what this database knows."""

import pytest
from samenspel.contracts.canonical import to_headers
from samenspel.contracts.topics import INITIATIVES, LANES_LOCAL, lane_of
from samenspel.messaging.errors import LaneNotReconciled
from samenspel.messaging.outbox.reconciler import Reconciler

from tests.client.log import Owner
from tests.kit.events import new_id
from tests.law.log import Log
from tests.law.rooms import Room, outcomes, registered

pytestmark = pytest.mark.system

CLOSE = "update lane set reconciled = ''"


@pytest.fixture
def log() -> Log:
    """A Kafka that has all of the registry's lanes, empty."""
    return Log()


async def look(room: Room, log: Log) -> Reconciler:
    """Begin a life: nothing has been compared in it yet."""
    await room.pool.execute(CLOSE)
    reconciler = Reconciler(room.pool, log, lambda: None)  # type: ignore[arg-type]  # lists in Kafka's place
    await reconciler.reconcile_all()
    return reconciler


async def publish(room: Room, log: Log) -> None:
    """Everything in the journal, as the relay does; it did not live to write down how far."""
    for row in await room.rows("select * from journal order by topic, lane, sequence"):
        key = row["key"].encode()
        log.append(row["topic"], row["lane"], to_headers(row["headers"]), row["value"], key=key)


async def test_the_doors_open_when_both_hold_the_same(registry: Room, log: Log) -> None:
    await registry.settle(registered())
    await publish(registry, log)
    reconciler = await look(registry, log)
    assert (reconciler.needs_recovery, reconciler.closed_lanes) == (False, {})
    assert outcomes(await registry.settle(registered())) == ["accepted"]
    behind = await registry.rows(
        "select l.sequence - p.sequence as n from lane l join relay_progress p using (topic, lane)"
    )
    assert sum(row["n"] for row in behind) == 2, "only what came since: one fact and one receipt"


async def test_no_door_opens_when_kafka_holds_more_on_any_lane(registry: Room, log: Log) -> None:
    """The database was restored from an older backup: what it knows of its other lanes may be as old."""
    owner = Owner(lane=0)
    lost = owner.publish()
    log.append(INITIATIVES, 0, lost.headers(), lost.value())
    reconciler = await look(registry, log)
    assert reconciler.needs_recovery
    elsewhere = next(key for key in iter(new_id, "") if lane_of(key, LANES_LOCAL) != 0)
    with pytest.raises(LaneNotReconciled):
        await registry.settle(registered(initiative_id=elsewhere))


async def test_no_door_opens_when_kafka_holds_another_event_under_the_same_number(registry: Room, log: Log) -> None:
    here = next(key for key in iter(new_id, "") if lane_of(key, LANES_LOCAL) == 0)
    await registry.settle(registered(initiative_id=here))
    other = Owner(lane=0).publish()
    log.append(INITIATIVES, 0, other.headers(), other.value())
    assert (await look(registry, log)).needs_recovery
    with pytest.raises(LaneNotReconciled):
        await registry.settle(registered())


async def test_a_database_in_another_life_lets_nobody_write(registry: Room) -> None:
    """It was restarted or restored under a running instance, which has not heard of it yet."""
    await registry.pool.execute("update lane set reconciled = 'another life'")
    with pytest.raises(LaneNotReconciled):
        await registry.settle(registered())
