"""A new timeline has a number unused in Kafka, whatever the last record is."""

import pytest
from samenspel.contracts.submission_hashes import HashKeys
from samenspel.contracts.topics import INITIATIVES
from samenspel.messaging.recovery.replay import receipt_replay
from samenspel.messaging.recovery.timelines import Recoverable, start_new_timeline

from tests.support.lane_owner import Owner
from tests.support.memory_log import Log
from tests.support.retention import LANE, publish_all, retain, sequences, settle_days_ago
from tests.support.service_schema import Room, registered


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
        timeline = await start_new_timeline(connection, log, (INITIATIVES, owner.lane), receipt_replay(HashKeys()))  # type: ignore[arg-type]
    assert timeline == 3


async def test_new_timeline_of_receipts_begins_where_the_journal_begins(registry: Room) -> None:
    await settle_days_ago(registry, 91, registered(), registered())
    await publish_all(registry)
    await retain(registry.pool)
    await settle_days_ago(registry, 1, registered())
    async with registry.pool.acquire() as connection, connection.transaction():
        timeline = await start_new_timeline(connection, Log(), LANE, receipt_replay(HashKeys()))  # type: ignore[arg-type]
    assert (timeline, await sequences(registry)) == (2, [3, 3])


async def test_new_timeline_follows_the_timelines_that_a_reader_reaches(registry: Room) -> None:
    """A forged record neither uses up the numbers nor makes the timeline rise by more than one."""
    owner = Owner()
    first = owner.publish()
    owner.repeat(first, ce_timeline=str(2**31 - 1).encode())
    owner.append([("ce_timeline", b"4294967296")], b"")
    assert await started(registry, owner) == 2


async def test_timeline_that_is_not_published_yet_is_not_left(registry: Room) -> None:
    """For a reader the timeline would rise by two."""
    owner = Owner()
    assert await started(registry, owner) == 2
    with pytest.raises(Recoverable, match=r"timeline 2 of .* is not published yet"):
        await started(registry, owner)
    await registry.pool.execute("update relay_progress set sequence = 1")
    assert await started(registry, owner) == 3


async def started(room: Room, owner: Owner) -> int:
    """The number of the timeline that is started after this log."""
    log = Log()
    for record in owner.log:
        log.append(INITIATIVES, owner.lane, record.headers(), record.value())
    async with room.pool.acquire() as connection, connection.transaction():
        return await start_new_timeline(connection, log, (INITIATIVES, owner.lane), receipt_replay(HashKeys()))  # type: ignore[arg-type]
