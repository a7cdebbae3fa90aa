"""Operations on lanes: the list, recovery with a dry run, a new timeline, and the record of both."""

from dataclasses import dataclass, field

import pytest
from samenspel.contracts.topics import INITIATIVES, LANES_LOCAL
from samenspel.messaging.operator.lane_operations import LaneOperations, parse_lane
from samenspel.messaging.outbox.reconciler import Reconciler
from samenspel.messaging.recovery.timelines import Recoverable

from tests.support.memory_log import Log, publish
from tests.support.service_schema import OPERATOR, Room, changed, registered

JOURNAL = "select topic, lane, timeline, sequence, headers, value from journal order by topic, lane, sequence"


@dataclass(slots=True)
class ListedLog(Log):
    """A log with a list of topics, closable."""

    closed: list[None] = field(default_factory=list)

    async def topics(self, prefix: str) -> list[str]:
        return sorted({topic for topic, _ in self.partitions if topic.startswith(prefix)})

    async def close(self) -> None:
        self.closed.append(None)


def operations(room: Room, log: ListedLog, changes: list[None] | None = None) -> LaneOperations:
    reconciler = Reconciler(room.pool, log, lambda: None)  # type: ignore[arg-type]  # lists in Kafka's place
    notes = [] if changes is None else changes
    return LaneOperations(
        room.pool,
        lambda: log,  # type: ignore[arg-type, return-value]
        reconciler,
        room.handlers,
        (INITIATIVES,),
        LANES_LOCAL,
        lambda: notes.append(None),
    )


async def lost_after_publishing(room: Room) -> ListedLog:
    """A log with an initiative and a change; the database has lost both."""
    stated, log = registered(), ListedLog()
    await room.settle(stated)
    await room.settle(changed(stated.subject, 1, "Anders"))
    await publish(room, log)
    await room.clear()
    await room.open_lanes(OPERATOR)
    return log


async def test_list_gives_the_backlog_of_every_lane_and_the_reason_of_a_closed_one(registry: Room) -> None:
    await registry.settle(registered())
    await registry.pool.execute("update lane set reconciled = '' where topic = $1", INITIATIVES)
    lanes = {each["lane"]: each for each in await operations(registry, ListedLog()).lanes()}
    assert sum(each["behind"] for each in lanes.values()) == 2, "an event and a receipt"
    initiatives = [each for name, each in lanes.items() if name.startswith(f"{INITIATIVES}/")]
    assert len(initiatives) == LANES_LOCAL
    assert all(not each["open"] and each["reason"] for each in initiatives)
    assert all(each["open"] and not each["reason"] for each in lanes.values() if each not in initiatives)


async def test_dry_run_reports_the_recovery_and_changes_nothing(registry: Room) -> None:
    log = await lost_after_publishing(registry)
    found = await operations(registry, log).recover(OPERATOR, dry_run=True)
    assert sum(each.after - each.before for each in found if each.lane.startswith(INITIATIVES)) == 2
    assert await registry.rows(JOURNAL) == []
    assert await registry.rows("select * from lane_action") == []


async def test_recovery_restores_the_journal_and_is_recorded(registry: Room) -> None:
    log, changes = await lost_after_publishing(registry), list[None]()
    await operations(registry, log, changes).recover(OPERATOR, dry_run=False)
    assert len(await registry.rows(JOURNAL)) == 4, "two events and two receipts"
    [action] = await registry.rows("select action, operator, detail from lane_action")
    assert (action["action"], action["operator"]) == ("recover", OPERATOR)
    assert f"{INITIATIVES}/" in action["detail"]
    assert changes == log.closed == [None]


async def test_new_timeline_of_a_recoverable_lane_is_refused(registry: Room) -> None:
    log = await lost_after_publishing(registry)
    [(topic, lane)] = [name for name in log.partitions if name[0] == INITIATIVES]
    with pytest.raises(Recoverable):
        await operations(registry, log).new_timeline(OPERATOR, f"{topic}/{lane}", "by mistake")
    assert await registry.rows("select * from lane_action") == []


async def test_new_timeline_is_recorded_with_its_reason(registry: Room) -> None:
    made = operations(registry, ListedLog())
    timeline = await made.new_timeline(OPERATOR, f"{INITIATIVES}/0", "the log is lost")
    [action] = await registry.rows("select action, why, detail from lane_action")
    assert (action["action"], action["why"]) == ("new-timeline", "the log is lost")
    assert str(timeline) in action["detail"]


@pytest.mark.parametrize("label", ["", "samenspel.initiatives", "samenspel.initiatives/x", "/3"])
def test_label_that_names_no_lane_is_unknown(label: str) -> None:
    with pytest.raises(LookupError):
        parse_lane(label)


def test_label_of_a_lane_is_topic_and_number() -> None:
    assert parse_lane("samenspel.initiatives/3") == ("samenspel.initiatives", 3)
