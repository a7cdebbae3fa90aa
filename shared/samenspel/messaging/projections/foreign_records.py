"""Foreign records: records on a followed lane that are no canonical events, kept and reported by range.

A range has the foreign records between two applied events. The database keeps the ranges, so that a restart neither
reports nor counts a range again. The number of ranges of a lane is bounded: the oldest ranges are merged.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from aiokafka import ConsumerRecord

from samenspel.contracts.canonical import CanonicalEvent, read
from samenspel.contracts.foreign_records import ForeignRange, range_with
from samenspel.contracts.topics import LaneId
from samenspel.runtime import failpoints
from samenspel.runtime.bulk_parameters import as_arrays
from samenspel.runtime.postgres import Connection, Pool

RANGES_MAX: Final = 100
"""Ranges per lane."""
LATEST: Final = """
select distinct on (topic, lane) topic, lane, first_offset, next_offset, records from foreign_records
where (topic, lane) in (select * from unnest($1::text[], $2::int[]))
order by topic, lane, first_offset desc
"""
SAVE: Final = """
insert into foreign_records (topic, lane, first_offset, next_offset, records)
select * from unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[], $5::bigint[])
on conflict (topic, lane, first_offset) do update
  set next_offset = excluded.next_offset, records = excluded.records
"""
# The oldest range of a lane takes over the ranges above the limit.
MERGE: Final = """
with placed as (
  select *, row_number() over (partition by topic, lane order by first_offset desc) as place
  from foreign_records where (topic, lane) in (select * from unnest($1::text[], $2::int[]))),
merged as (
  select topic, lane, min(first_offset) as first_offset, max(first_offset) as last_first,
         max(next_offset) as next_offset, sum(records) as records
  from placed where place >= $3 group by topic, lane having count(*) > 1),
removed as (
  delete from foreign_records f using merged m
  where (f.topic, f.lane) = (m.topic, m.lane) and f.first_offset > m.first_offset and f.first_offset <= m.last_first)
update foreign_records f set next_offset = m.next_offset, records = m.records from merged m
where (f.topic, f.lane, f.first_offset) = (m.topic, m.lane, m.first_offset)
"""
COUNT: Final = "select coalesce(sum(records), 0)::bigint from foreign_records"
FORGET: Final = """
delete from foreign_records where (topic, lane) in (select * from unnest($1::text[], $2::int[]))
"""


@dataclass(slots=True)
class ForeignRecords:
    """The foreign records of a batch. ``latest`` has the last stored range of each lane."""

    latest: dict[LaneId, ForeignRange] = field(default_factory=dict)
    changed: dict[tuple[LaneId, int], ForeignRange] = field(default_factory=dict)
    """Ranges to store, by lane and first offset."""
    new: list[tuple[LaneId, int]] = field(default_factory=list)
    """Ranges that were not known before, by lane and first offset."""

    def add(self, name: LaneId, offset: int, last_applied: int) -> None:
        """Add a record, unless known, of a lane whose last applied event is at offset ``last_applied``."""
        found = range_with(self.latest.get(name), offset, last_applied)
        if found is None:
            return
        if found.records == 1:
            self.new.append((name, offset))
        self.latest[name] = self.changed[name, found.first_offset] = found


def event_in(record: ConsumerRecord) -> CanonicalEvent | None:
    """The event in a record; None for a foreign record.

    Only the owner can write to a canonical topic, so a foreign record is a defect, and the lane counts as diverged.
    """
    try:
        return read(record.topic, record.partition, record.offset, record.headers, record.value)
    except (KeyError, ValueError, TypeError, AttributeError):
        return None


async def load(connection: Connection, names: Iterable[LaneId]) -> ForeignRecords:
    """The last stored range of each of these lanes."""
    wanted = sorted(set(names))
    if not wanted:
        return ForeignRecords()
    failpoints.reached("foreign-records.load")
    rows = await connection.fetch(LATEST, *as_arrays(wanted, 2))
    return ForeignRecords({(row["topic"], row["lane"]): ForeignRange(*tuple(row)[2:]) for row in rows})


async def save(connection: Connection, found: ForeignRecords) -> None:
    """Store the changed ranges, with at most `RANGES_MAX` ranges per lane."""
    if not found.changed:
        return
    rows = [(*name, *each) for (name, _), each in sorted(found.changed.items())]
    failpoints.reached("foreign-records.save")
    await connection.execute(SAVE, *as_arrays(rows, 5))
    if found.new:
        failpoints.reached("foreign-records.merge")
        await connection.execute(MERGE, *as_arrays(sorted({name for name, _ in found.new}), 2), RANGES_MAX)


async def count(connection: Connection) -> int:
    """Number of foreign records on all followed lanes."""
    number: int = await connection.fetchval(COUNT)
    return number


async def forget_ranges(connection: Connection | Pool, names: Iterable[LaneId]) -> None:
    """Forget the ranges of lanes whose log was created again. The log has other records at the same offsets."""
    await connection.execute(FORGET, *as_arrays(sorted(names), 2))
