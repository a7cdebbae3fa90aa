"""A new timeline of a lane, for a lane that cannot be recovered from Kafka.

The relay publishes the lane's journal again on the next timeline, with the same event ids, values and digests. A
replica that rebuilds therefore gets the owner's whole history, and a reader that knows event ids sees no event twice.
"""

from contextlib import aclosing
from typing import Final

from aiokafka import TopicPartition

from samenspel.contracts.canonical import position_of
from samenspel.contracts.sequencing import Position, SequenceVerdict, check
from samenspel.contracts.topics import LaneId
from samenspel.messaging.kafka.log_reader import LogReader
from samenspel.messaging.recovery.lane_recovery import LaneReplay, NotRecoverable, lock_lane, recover_lane
from samenspel.runtime import failpoints
from samenspel.runtime.postgres import Connection

COPY_SECONDS_MAX: Final = 3_600.0
# Header lines are UTF-8, with one name per line. ``ce_timeline`` is never the first line.
COPY: Final = """
insert into journal (topic, lane, timeline, sequence, key, headers, value)
select j.topic, j.lane, $4, j.sequence, j.key,
  convert_to(replace(convert_from(j.headers, 'UTF8'), t.before, t.after), 'UTF8'), j.value
from journal j cross join
  (select E'\\nce_timeline:' || $3::int || E'\\n' as before, E'\\nce_timeline:' || $4::int || E'\\n' as after) t
where (j.topic, j.lane, j.timeline) = ($1, $2, $3::int)
"""
FIRST: Final = 1
PUBLISHED: Final = "select sequence from relay_progress where (topic, lane) = ($1, $2)"
START: Final = "update lane set timeline = $3, reconciled = '' where (topic, lane) = ($1, $2)"
UNPUBLISH: Final = """
update relay_progress set timeline = $3, sequence = 0, next_offset = $4, held_until = '-infinity'
where (topic, lane) = ($1, $2)
"""


class Recoverable(Exception):
    """The lane can be recovered from Kafka, so a new timeline would discard events without need."""


async def start_new_timeline(connection: Connection, log_reader: LogReader, name: LaneId, replay: LaneReplay) -> int:
    """Start the lane's next timeline in the caller's transaction. Returns the number of the timeline.

    Raises `Recoverable`, or `LookupError` when the lane or topic does not exist. A timeline without any published
    event is not left: for readers the next timeline would rise by two, and they refuse such a rise.
    """
    await _require_unrecoverable(connection, log_reader, name, replay)
    lane = await lock_lane(connection, name)
    start, end = await log_reader.bounds(TopicPartition(*name))
    newest = await _newest_timeline(log_reader, TopicPartition(*name), start, end)
    if lane.timeline > max(newest, FIRST) and not await connection.fetchval(PUBLISHED, *name):
        raise Recoverable(f"timeline {lane.timeline} of {lane.name} is not published yet: wait for the relay")
    timeline = max(lane.timeline, newest) + 1
    await connection.execute(COPY, *name, lane.timeline, timeline, timeout=COPY_SECONDS_MAX)
    await connection.execute(START, *name, timeline)
    await connection.execute(UNPUBLISH, *name, timeline, end)
    failpoints.reached("timelines.commit")
    return timeline


async def _newest_timeline(log_reader: LogReader, partition: TopicPartition, start: int, end: int) -> int:
    """The newest timeline that a reader of the whole log reaches. The last record may be a repeat of an older one."""
    newest = Position(0)
    async with aclosing(log_reader.records(partition, start, end)) as records:
        async for record in records:
            position = position_of(record.headers)
            if position and check(newest, *position) is SequenceVerdict.NEW_TIMELINE:
                newest = Position(position[0], 1)
    return newest.timeline


async def _require_unrecoverable(
    connection: Connection, log_reader: LogReader, name: LaneId, replay: LaneReplay
) -> None:
    """Raise `Recoverable` if a trial recovery, which is rolled back, restores events."""
    trial = connection.transaction()
    await trial.start()
    try:
        recovered = await recover_lane(connection, log_reader, name, replay)
    except NotRecoverable:
        return
    finally:
        await trial.rollback()
    if (number := recovered.after - recovered.before) > 0:
        raise Recoverable(f"Kafka has {number} more event(s) of {recovered.lane} that can be recovered")
