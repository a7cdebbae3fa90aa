"""A new timeline: what an owner says on a lane from now on, when what Kafka holds of it cannot be recovered.

The lane's journal is said again, event for event, with its ids, values and digests, on the next timeline. So every
copy that rebuilds has the owner's whole history, and whoever knows an event by its id sees nothing twice.
"""

from contextlib import aclosing
from typing import Final

from aiokafka import TopicPartition

from samenspel.contracts.topics import LaneId
from samenspel.messaging.kafka.log_reader import LogReader
from samenspel.messaging.recovery.lane_recovery import LaneReplay, NotRecoverable, lock_lane, recover_lane
from samenspel.runtime import failpoints
from samenspel.runtime.postgres import Connection

COPY_SECONDS_MAX: Final = 3_600.0
# Header lines are UTF-8, one name a line; the timeline's is never the first.
COPY: Final = """
insert into journal (topic, lane, timeline, sequence, key, headers, value)
select j.topic, j.lane, $4, j.sequence, j.key,
  convert_to(replace(convert_from(j.headers, 'UTF8'), t.before, t.after), 'UTF8'), j.value
from journal j cross join
  (select E'\\nce_timeline:' || $3::int || E'\\n' as before, E'\\nce_timeline:' || $4::int || E'\\n' as after) t
where (j.topic, j.lane, j.timeline) = ($1, $2, $3::int)
"""
START: Final = "update lane set timeline = $3, reconciled = '' where (topic, lane) = ($1, $2)"
UNPUBLISH: Final = """
update relay_progress set timeline = $3, sequence = 0, next_offset = $4, held_until = '-infinity'
where (topic, lane) = ($1, $2)
"""


class Recoverable(Exception):
    """What Kafka holds of this lane can be recovered: nothing needs to be given up."""


async def start_new_timeline(connection: Connection, log_reader: LogReader, name: LaneId, replay: LaneReplay) -> int:
    """Begin the lane's next timeline; returns its number. In the caller's transaction.

    Raises `Recoverable`, or `LookupError` when there is no such lane or topic.
    """
    await _require_unrecoverable(connection, log_reader, name, replay)
    lane = await lock_lane(connection, name)
    start, end = await log_reader.bounds(TopicPartition(*name))
    timeline = max(lane.timeline, await _newest_timeline(log_reader, TopicPartition(*name), start, end)) + 1
    await connection.execute(COPY, *name, lane.timeline, timeline, timeout=COPY_SECONDS_MAX)
    await connection.execute(START, *name, timeline)
    await connection.execute(UNPUBLISH, *name, timeline, end)
    failpoints.reached("timelines.commit")
    return timeline


async def _newest_timeline(log_reader: LogReader, partition: TopicPartition, start: int, end: int) -> int:
    """The newest timeline in Kafka: of all records, as the last may be a late repeat of an older one."""
    newest = 0
    async with aclosing(log_reader.records(partition, start, end)) as records:
        async for record in records:
            newest = max(newest, int(dict(record.headers)["ce_timeline"]))
    return newest


async def _require_unrecoverable(
    connection: Connection, log_reader: LogReader, name: LaneId, replay: LaneReplay
) -> None:
    """Recover it on trial: when that brings something back, nobody may throw it away."""
    trial = connection.transaction()
    await trial.start()
    try:
        found = await recover_lane(connection, log_reader, name, replay)
    except NotRecoverable:
        return
    finally:
        await trial.rollback()
    if found.after > found.before:
        raise Recoverable(
            f"Kafka holds {found.after - found.before} more event(s) of {found.lane}, all of them whole"
        )
