"""A lane is started anew on a timeline that nothing in Kafka has, whatever lies last there."""

from samenspel.contracts.topics import INITIATIVES
from samenspel.messaging.recovery.replay import RECEIPT_REPLAY
from samenspel.messaging.recovery.timelines import start_new_timeline

from tests.support.lane_owner import Owner
from tests.support.memory_log import Log
from tests.support.service_schema import Room


async def test_a_repeat_of_an_older_timeline_at_the_end_hides_no_newer_one(registry: Room) -> None:
    """The database is of before timeline 2; a relay of that time woke up late, and its event lies last."""
    owner, log = Owner(), Log()
    first = owner.publish()
    owner.begin_anew()
    owner.publish()
    owner.repeat(first)
    for record in owner.log:
        log.append(INITIATIVES, owner.lane, record.headers(), record.value())
    async with registry.pool.acquire() as connection, connection.transaction():
        timeline = await start_new_timeline(connection, log, (INITIATIVES, owner.lane), RECEIPT_REPLAY)  # type: ignore[arg-type]
    assert timeline == 3
