"""A new timeline has a number unused in Kafka, whatever the last record is."""

from samenspel.contracts.topics import INITIATIVES
from samenspel.messaging.recovery.replay import RECEIPT_REPLAY
from samenspel.messaging.recovery.timelines import start_new_timeline

from tests.support.lane_owner import Owner
from tests.support.memory_log import Log
from tests.support.service_schema import Room


async def test_new_timeline_exceeds_every_timeline_in_the_log(registry: Room) -> None:
    """The database is older than timeline 2; a late relay's event is the last record."""
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
