"""SQL of the service's own aggregates, and the shared lock on projected aggregates."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from itertools import groupby

from samenspel.contracts.catalogue import AGGREGATES, AggregateRef
from samenspel.contracts.digest import to_hex
from samenspel.contracts.topics import LaneId
from samenspel.messaging.decisions.state import StoredAggregate
from samenspel.messaging.errors import Fenced
from samenspel.messaging.projections import checkpoints
from samenspel.runtime import failpoints
from samenspel.runtime.bulk_parameters import as_arrays, as_joined_texts
from samenspel.runtime.postgres import Connection
from samenspel.runtime.write_together import Write, write_together

# The lane lock protects the aggregates of a locked lane. Aggregates of other lanes are read again, with row locks.
LOAD = """
with wanted as (
  select * from aggregate where (aggregate, subject) in (
    select * from unnest(string_to_array($1, chr(30)), string_to_array($2, chr(30))))),
elsewhere as (
  select * from aggregate where (aggregate, subject) in (
    select aggregate, subject from wanted where (topic, lane) not in (select * from unnest($3::text[], $4::int[])))
  order by aggregate, subject for share)
select aggregate, subject, topic, lane, value, hash, private, removed
from wanted where (topic, lane) in (select * from unnest($3::text[], $4::int[]))
union all
select aggregate, subject, topic, lane, value, hash, private, removed from elsewhere
"""

SAVE = """
insert into aggregate (aggregate, topic, subject, lane, value, hash, private)
select $1, $2, x.subject, x.lane::int, convert_to(x.value, 'UTF8'), decode(x.hash, 'hex'),
       convert_to(nullif(x.private, ''), 'UTF8')
from unnest(string_to_array($3, chr(30)), string_to_array($4, chr(30)), string_to_array($5, chr(30)),
            string_to_array($6, chr(30)), string_to_array($7, chr(30))) as x (subject, lane, value, hash, private)
on conflict (aggregate, subject) do update set
  value = excluded.value, hash = excluded.hash, private = excluded.private
where (aggregate.topic, aggregate.lane) = (excluded.topic, excluded.lane)
"""

# One statement reads the projected aggregates and the diverged lanes, so that no round trip is added.
SHARE_PROJECTION = """
with projected as (
  select aggregate, subject, topic, lane, value, hash
  from projection where (aggregate, subject) in (select * from unnest($1::text[], $2::text[])) and not stale
  order by aggregate, subject for share)
select aggregate, subject, topic, lane, value, hash from projected
union all select null, null, topic, lane, null, null from checkpoint where diverged_at is not null
"""


async def load(
    connection: Connection, references: Set[AggregateRef], locked: Collection[LaneId]
) -> dict[AggregateRef, StoredAggregate]:
    """The present state of the service's own aggregates. Requires the lane locks.

    Aggregates of lanes outside ``locked`` get a shared row lock.
    """
    if not references:
        return {}
    failpoints.reached("aggregates.load")
    rows = await connection.fetch(LOAD, *as_joined_texts(sorted(references), 2), *as_arrays(sorted(locked), 2))
    return {
        (row["aggregate"], row["subject"]): StoredAggregate(
            row["value"], int.from_bytes(row["hash"], "big"), row["private"], row["removed"]
        )
        for row in rows
    }


async def save(
    connection: Connection, changed: Mapping[AggregateRef, StoredAggregate], lane_of: Mapping[AggregateRef, LaneId]
) -> None:
    """Write changed aggregates. Raises `Fenced` as the writes of `state_writes`."""
    await write_together(connection, list(state_writes(changed, lane_of)))


def state_writes(
    changed: Mapping[AggregateRef, StoredAggregate], lane_of: Mapping[AggregateRef, LaneId]
) -> Iterator[Write]:
    """The writes of changed aggregates, kind by kind, sorted by primary key.

    A write raises `Fenced` if another transaction created an aggregate with the same id on another lane.
    """
    for (aggregate, topic), references in groupby(sorted(changed), key=lambda each: (each[0], lane_of[each][0])):
        rows = [_row(reference, lane_of[reference], changed[reference]) for reference in references]
        fenced = Fenced(f"another lane got one of these {aggregate} first")
        yield Write(SAVE, [aggregate, topic, *as_joined_texts(rows, 5)], len(rows), fenced)


def _row(reference: AggregateRef, lane: LaneId, stored: StoredAggregate) -> tuple[str, int, bytes, str, bytes]:
    return reference[1], lane[1], stored.value, to_hex(stored.hash), stored.private or b""


@dataclass(frozen=True, slots=True)
class Projected:
    """Projected aggregates by reference, the lane of each, and the diverged lanes of the followed topics."""

    states: Mapping[AggregateRef, StoredAggregate] = field(default_factory=dict)
    lanes: Mapping[AggregateRef, LaneId] = field(default_factory=dict)
    diverged: Set[LaneId] = frozenset()

    def diverged_for(self, references: Iterable[AggregateRef]) -> set[LaneId]:
        """The diverged lanes that a decision about these aggregates needs.

        An aggregate that is not projected may be on any lane of its topic.
        """
        return {lane for each in references for lane in self.diverged if self._may_be_on(lane, each)}

    def _may_be_on(self, lane: LaneId, reference: AggregateRef) -> bool:
        if reference in self.lanes:
            return self.lanes[reference] == lane
        return AGGREGATES[reference[0]].topic == lane[0]


async def load_projected_for_share(connection: Connection, references: Iterable[AggregateRef]) -> Projected:
    """Projected aggregates of other services, locked against change until commit, and the diverged lanes.

    The diverged lanes are read without references too: a decision may need an aggregate that no reference names.
    """
    wanted = sorted(set(references))
    if not wanted:
        return Projected(diverged=frozenset(await checkpoints.diverged(connection)))
    failpoints.reached("aggregates.load-projected")
    rows = await connection.fetch(SHARE_PROJECTION, *as_arrays(wanted, 2))
    found = [row for row in rows if row["aggregate"] is not None]
    return Projected(
        {
            (row["aggregate"], row["subject"]): StoredAggregate(row["value"], int.from_bytes(row["hash"], "big"))
            for row in found
        },
        {(row["aggregate"], row["subject"]): (row["topic"], row["lane"]) for row in found},
        frozenset((row["topic"], row["lane"]) for row in rows if row["aggregate"] is None),
    )
