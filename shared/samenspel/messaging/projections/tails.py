"""Tails: records after the last applied event that were read before and need no second reading.

Without tails a service would read the foreign records at the end of a lane again at every start.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from aiokafka import TopicPartition

from samenspel.contracts.topics import LaneId
from samenspel.messaging.kafka.log_reader import LogReader, RecordOrError
from samenspel.messaging.projections import foreign_records
from samenspel.messaging.projections.foreign_records import event_in
from samenspel.runtime import failpoints
from samenspel.runtime.bulk_parameters import as_arrays
from samenspel.runtime.postgres import Connection, Pool

# Lanes that were read beyond the last applied event, with the first foreign record after that event.
TAILS: Final = """
select c.topic, c.lane, c.last_offset, c.read_offset, c.read_appended_at,
  (select min(f.first_offset) from foreign_records f
   where (f.topic, f.lane) = (c.topic, c.lane) and f.first_offset > c.last_offset) as first_offset
from checkpoint c
where (c.topic, c.lane) in (select * from unnest($1::text[], $2::int[]))
  and c.read_offset > c.last_offset + 1 and c.read_appended_at is not null
"""


class Tail(NamedTuple):
    """Records after the last applied event at ``last_offset`` up to, not including, ``read_offset``.

    ``appended_at`` is Kafka's time of the last such record in milliseconds. ``first_offset`` is that of the first
    foreign record; None if all are repeats.
    """

    last_offset: int
    read_offset: int
    appended_at: int
    first_offset: int | None


async def offsets_after(
    pool: Pool,
    log_reader: LogReader,
    bounds: Mapping[TopicPartition, tuple[int, int] | Exception],
    found: Mapping[TopicPartition, int | Exception],
) -> dict[TopicPartition, int]:
    """The offsets after the tails, of those lanes in ``found`` that would read their tails again.

    A log without the last record of the tail at the same time was created again. The first foreign record
    must be unreadable still: a later version of the service may be able to read the record.
    """
    async with pool.acquire() as connection:
        stored = await load(connection, {(each.topic, each.partition) for each in found})
    tails = {
        each: tail
        for each, offset in found.items()
        if (tail := stored.get((each.topic, each.partition))) and _precedes(offset, tail, bounds[each])
    }
    last = await log_reader.records_at({each: tail.read_offset - 1 for each, tail in tails.items()})
    first = await log_reader.records_at(
        {each: tail.first_offset for each, tail in tails.items() if tail.first_offset is not None}
    )
    replaced = {each for each, tail in tails.items() if _is_replaced(last[each], tail)}
    if replaced:
        await foreign_records.forget_ranges(pool, {(each.topic, each.partition) for each in replaced})
    return {
        each: tail.read_offset
        for each, tail in tails.items()
        if _is_record(last[each]) and each not in replaced and (each not in first or _is_foreign(first[each]))
    }


async def load(connection: Connection, names: Iterable[LaneId]) -> dict[LaneId, Tail]:
    """The tails of those lanes that have one."""
    failpoints.reached("tails.load")
    rows = await connection.fetch(TAILS, *as_arrays(sorted(names), 2))
    return {(row["topic"], row["lane"]): Tail(*tuple(row)[2:]) for row in rows}


def _precedes(offset: int | Exception, tail: Tail, bounds: tuple[int, int] | Exception) -> bool:
    """Whether a lane resumes at the record after its last applied event, and its log still has the tail."""
    if isinstance(offset, Exception) or isinstance(bounds, Exception):
        return False
    return tail.last_offset in (-1, offset - 1) and offset < tail.read_offset <= bounds[1]


def _is_replaced(record: RecordOrError, tail: Tail) -> bool:
    """Whether another record has the place of the last record of the tail. An error shows nothing."""
    return not isinstance(record, Exception) and (record is None or record.timestamp != tail.appended_at)


def _is_record(record: RecordOrError) -> bool:
    return record is not None and not isinstance(record, Exception)


def _is_foreign(record: RecordOrError) -> bool:
    return _is_record(record) and event_in(record) is None
