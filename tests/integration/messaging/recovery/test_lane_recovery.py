"""Events lost by the database and present in Kafka come back as the former state, without new decisions."""

from collections.abc import Sequence
from typing import Any, Final

from samenspel.contracts.topics import INITIATIVES, LaneId
from samenspel.messaging.recovery.lane_recovery import recover_lane
from samenspel.messaging.recovery.replay import RECEIPT_REPLAY, EventReplay

from tests.support.memory_log import Log, publish
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
            fold = RECEIPT_REPLAY
            if topic == INITIATIVES:
                fold = type(RECEIPT_REPLAY)(EventReplay(room.handlers).apply)
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
