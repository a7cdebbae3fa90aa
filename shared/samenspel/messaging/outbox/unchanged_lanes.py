"""Lanes whose log ends where the database knows it to end: reconciled all together.

After a restart almost every lane is such a lane, and their number grows with the organisations. A few statements and
requests open all of them. Only the other lanes are compared one by one (`reconciliation`).
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from aiokafka import TopicPartition

from samenspel.contracts.canonical import position_of
from samenspel.contracts.topics import LaneId
from samenspel.messaging.kafka.log_reader import Bounds, LogReader, RecordOrError
from samenspel.runtime import failpoints
from samenspel.runtime.bulk_parameters import as_arrays
from samenspel.runtime.postgres import Connection

PUBLISHED = """
select p.topic, p.lane, (select incarnation()) as incarnation, p.timeline, p.sequence, p.next_offset
from relay_progress p join lane l using (topic, lane, timeline)
where (p.topic, p.lane) in (select * from unnest($1::text[], $2::int[]))
"""
# The rows are locked in the order in which decisions lock lanes.
MARK = """
with changed as (
  select l.topic, l.lane, x.incarnation
  from unnest($1::text[], $2::int[], $3::int[], $4::text[]) as x (topic, lane, timeline, incarnation)
  join lane l using (topic, lane, timeline)
  where l.reconciled <> x.incarnation order by l.topic, l.lane for update of l)
update lane l set reconciled = c.incarnation from changed c where (l.topic, l.lane) = (c.topic, c.lane)
"""


async def find_unchanged(connection: Connection, log_reader: LogReader, names: Collection[LaneId]) -> list[Any]:
    """The rows of `PUBLISHED` of the unchanged lanes: the log ends with the last published event.

    Such a log has no event that the journal could miss. Any doubt, also an error of Kafka about a lane, leaves the
    lane to `reconciliation.reconcile`.
    """
    failpoints.reached("unchanged-lanes.published")
    rows = await connection.fetch(PUBLISHED, *as_arrays(sorted(names), 2))
    published = {TopicPartition(row["topic"], row["lane"]): row for row in rows}
    bounds = await log_reader.bounds_of(published)
    at_end = [each for each, row in published.items() if _ends_at(bounds[each], row["next_offset"])]
    wanted = {each: published[each]["next_offset"] - 1 for each in at_end if _has_last(bounds[each], published[each])}
    last = await log_reader.records_at(wanted)
    return [published[each] for each in at_end if each not in wanted or _is_published(last, each, published[each])]


async def mark_unchanged(connection: Connection, rows: Iterable[Any]) -> None:
    """Open these lanes for writes, except a lane whose timeline changed since it was read."""
    columns = sorted((row["topic"], row["lane"], row["timeline"], row["incarnation"]) for row in rows)
    if columns:
        failpoints.reached("unchanged-lanes.mark")
        await connection.execute(MARK, *as_arrays(columns, 4))


def _ends_at(bounds: Bounds | Exception, next_offset: int) -> bool:
    return not isinstance(bounds, Exception) and bounds[1] == next_offset


def _has_last(bounds: Bounds | Exception, published: Any) -> bool:
    """Whether the last published event must be in the log: it was published, and has not expired."""
    return not isinstance(bounds, Exception) and published["sequence"] > 0 and bounds[0] < published["next_offset"]


def _is_published(last: Mapping[TopicPartition, RecordOrError], partition: TopicPartition, published: Any) -> bool:
    record = last[partition]
    if record is None or isinstance(record, Exception):
        return False
    return position_of(record.headers) == (published["timeline"], published["sequence"])
