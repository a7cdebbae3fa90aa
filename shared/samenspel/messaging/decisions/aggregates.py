"""SQL of the service's own aggregates, and the shared lock on projected aggregates."""

from collections.abc import Container, Iterable, Mapping, Set
from itertools import groupby

from samenspel.contracts.catalogue import AggregateRef
from samenspel.contracts.digest import to_hex
from samenspel.contracts.topics import LaneId
from samenspel.messaging.decisions.state import StoredAggregate
from samenspel.messaging.errors import Fenced
from samenspel.runtime import failpoints
from samenspel.runtime.bulk_parameters import as_arrays, as_joined_texts
from samenspel.runtime.postgres import Connection

LOAD = """
select aggregate, subject, topic, lane, value, hash, private, removed
from aggregate where (aggregate, subject) in (
  select * from unnest(string_to_array($1, chr(30)), string_to_array($2, chr(30))))
"""

# The lane lock protects the aggregates of a locked lane. Aggregates of other lanes need row locks.
SHARE = LOAD + "order by aggregate, subject for share"

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

SHARE_PROJECTION = """
select aggregate, subject, value, hash
from projection where (aggregate, subject) in (select * from unnest($1::text[], $2::text[])) and not stale
order by aggregate, subject for share
"""


async def load(
    connection: Connection, references: Set[AggregateRef], locked: Container[LaneId]
) -> dict[AggregateRef, StoredAggregate]:
    """The present state of the service's own aggregates. Requires the lane locks.

    Aggregates of lanes outside ``locked`` get a shared row lock.
    """
    if not references:
        return {}
    failpoints.reached("aggregates.load")
    rows = await connection.fetch(LOAD, *as_joined_texts(sorted(references), 2))
    elsewhere = [row for row in rows if (row["topic"], row["lane"]) not in locked]
    if elsewhere:
        names = sorted((row["aggregate"], row["subject"]) for row in elsewhere)
        rows = [row for row in rows if (row["topic"], row["lane"]) in locked]
        failpoints.reached("aggregates.share")
        rows += await connection.fetch(SHARE, *as_joined_texts(names, 2))
    return {
        (row["aggregate"], row["subject"]): StoredAggregate(
            row["value"], int.from_bytes(row["hash"], "big"), row["private"], row["removed"]
        )
        for row in rows
    }


async def save(
    connection: Connection, changed: Mapping[AggregateRef, StoredAggregate], lane_of: Mapping[AggregateRef, LaneId]
) -> None:
    """Write changed aggregates, kind by kind, sorted by primary key.

    Raises `Fenced` if another transaction created an aggregate with the same id on another lane.
    """
    for (aggregate, topic), references in groupby(sorted(changed), key=lambda each: (each[0], lane_of[each][0])):
        rows = [_row(reference, lane_of[reference], changed[reference]) for reference in references]
        failpoints.reached("aggregates.save")
        done = await connection.execute(SAVE, aggregate, topic, *as_joined_texts(rows, 5))
        if done != f"INSERT 0 {len(rows)}":
            raise Fenced(f"another lane got one of these {aggregate} first")


def _row(reference: AggregateRef, lane: LaneId, stored: StoredAggregate) -> tuple[str, int, bytes, str, bytes]:
    return reference[1], lane[1], stored.value, to_hex(stored.hash), stored.private or b""


async def load_projected_for_share(
    connection: Connection, references: Iterable[AggregateRef]
) -> dict[AggregateRef, StoredAggregate]:
    """Projected aggregates of other services, locked against change until commit."""
    wanted = sorted(set(references))
    if not wanted:
        return {}
    failpoints.reached("aggregates.load-projected")
    rows = await connection.fetch(SHARE_PROJECTION, *as_arrays(wanted, 2))
    return {
        (row["aggregate"], row["subject"]): StoredAggregate(row["value"], int.from_bytes(row["hash"], "big"))
        for row in rows
    }
