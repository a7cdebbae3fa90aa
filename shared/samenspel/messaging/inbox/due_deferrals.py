"""Search for deferrals to decide: aggregates that arrived, deadlines that passed, and a slow pass over the rest.

Every statement reads a bounded number of rows, however many submissions are deferred. A result is only a hint: the
decision itself checks order and condition under the lane lock.
"""

from collections.abc import Collection
from typing import Final

from samenspel.contracts.catalogue import AggregateRef
from samenspel.messaging.inbox.deferrals import Queue, queue_of
from samenspel.runtime import failpoints
from samenspel.runtime.bulk_parameters import as_arrays
from samenspel.runtime.postgres import Connection

PAGE: Final = 100
SWEEP: Final = 500
"""Deferrals examined by one step of the slow pass."""

# statement_timestamp() is stable, so that the index on the deadline serves the condition.
OVERDUE = """
select topic, lane, subject, organisation from deferral
where deadline <= statement_timestamp() order by deadline, number limit $1
"""
NEEDING = """
select d.* from unnest($1::text[], $2::text[]) as r (aggregate, subject)
cross join lateral (
  select number, topic, lane, subject, organisation from deferral
  where (needs_aggregate, needs_subject) = (r.aggregate, r.subject) and number > $3
  order by number limit $4) d
order by d.number limit $4
"""
PASS = """
select d.number, d.topic, d.lane, d.subject, d.organisation,
  $3 and d.deadline <= statement_timestamp() or d.number = head.number and (
    d.needs_aggregate is null or projected.found
    or own.found and (own.has_private_part or d.after_deferral)
    or d.after_deferral and earlier.number is null) is true as due
from (select * from deferral where number > $1 order by number limit $2) d
cross join lateral (
  select number from deferral
  where (topic, lane, subject, organisation) = (d.topic, d.lane, d.subject, d.organisation)
  order by number limit 1) head
left join lateral (
  select true as found from projection
  where (aggregate, subject) = (d.needs_aggregate, d.needs_subject) and not stale limit 1) projected on true
left join lateral (
  select true as found, private is not null as has_private_part from aggregate
  where (aggregate, subject) = (d.needs_aggregate, d.needs_subject) limit 1) own on true
left join lateral (
  select number from deferral
  where (topic, lane, subject) = (d.topic, d.lane, d.needs_subject) and number < d.number
  order by number limit 1) earlier on true
order by d.number
"""
# The recursion reads one row per organisation, the count at most the limit.
COUNT = """
with recursive named as (
  (select organisation from deferral order by organisation limit 1)
  union all
  select (select d.organisation from deferral d where d.organisation > n.organisation order by d.organisation limit 1)
  from named n where n.organisation is not null)
select n.organisation, c.number from named n cross join lateral (
  select count(*) as number
  from (select from deferral where organisation = n.organisation order by source, id limit $1) x) c
where n.organisation is not null
"""


async def overdue(connection: Connection) -> list[Queue]:
    """Queues with a passed deadline; of at most `PAGE` deferrals, the longest overdue first."""
    failpoints.reached("due-deferrals.overdue")
    rows = await connection.fetch(OVERDUE, PAGE)
    return list(dict.fromkeys(map(queue_of, rows)))


async def needing(
    connection: Connection, arrived: Collection[AggregateRef], after: int
) -> tuple[list[Queue], int | None]:
    """Queues whose head waits for one of these aggregates, of deferrals with a number above ``after``.

    Returns the number to continue after too; None after the last page.
    """
    failpoints.reached("due-deferrals.needing")
    rows = await connection.fetch(NEEDING, *as_arrays(sorted(arrived), 2), after, PAGE)
    return list(dict.fromkeys(map(queue_of, rows))), rows[-1]["number"] if len(rows) == PAGE else None


async def due_in_pass(connection: Connection, after: int, terms_run: bool) -> tuple[list[Queue], int]:
    """The due queues among the next `SWEEP` deferrals, and the number to continue after; 0 at the end.

    The pass finds deferrals whose aggregate arrived unnoticed, because another instance ended too early.
    """
    failpoints.reached("due-deferrals.pass")
    rows = await connection.fetch(PASS, after, SWEEP, terms_run)
    due = dict.fromkeys(queue_of(row) for row in rows if row["due"])
    return list(due), rows[-1]["number"] if len(rows) == SWEEP else 0


async def count_by_organisation(connection: Connection, limit: int) -> dict[str, float]:
    """The number of deferrals per organisation; counting stops at ``limit``."""
    return {row["organisation"]: row["number"] for row in await connection.fetch(COUNT, limit)}
