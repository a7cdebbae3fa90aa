"""Retention of receipts: published rows of receipts lanes leave the journal when they are older than the retention.

Canonical rows, unpublished rows and younger rows stay. A lane loses its oldest rows only, so that its journal begins
at one sequence; the table `journal_start` has the last removed sequence. The lane keeps its own last sequence: the
numbers of a lane never restart.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, NamedTuple

from samenspel.contracts.topics import RECEIPTS, LaneId
from samenspel.runtime import failpoints
from samenspel.runtime.postgres import Connection

LANES_PER_PAGE: Final = 100
ROWS_MAX: Final = 500
"""Rows of one lane that a statement examines and removes."""
PREFIX: Final = f"{RECEIPTS}."

# One journal row per lane, by index. Of a lane that is not reconciled with Kafka no row counts as published.
OLDEST: Final = """
select l.topic, l.lane, extract(epoch from statement_timestamp() - oldest.at)::float8 as age
from (
  select topic, lane, timeline, reconciled from lane
  where starts_with(topic, $1) and (topic, lane) > ($2, $3) order by topic, lane limit $4) l
left join relay_progress p on (p.topic, p.lane, p.timeline) = (l.topic, l.lane, l.timeline)
  and l.reconciled = (select incarnation())
left join journal_start s on (s.topic, s.lane) = (l.topic, l.lane)
left join lateral (
  select event_time(headers) as at from journal
  where (topic, lane, timeline) = (l.topic, l.lane, l.timeline)
    and sequence > coalesce(s.removed, 0) and sequence <= p.sequence
  order by sequence limit 1) oldest on true
order by l.topic, l.lane
"""
# One statement, so that a crash leaves rows and `journal_start` equal. A former timeline has copies of the rows.
REMOVE: Final = """
with l as (
  select l.topic, l.lane, l.timeline, p.sequence as published, coalesce(s.removed, 0) as removed
  from lane l join relay_progress p using (topic, lane, timeline) left join journal_start s using (topic, lane)
  where (l.topic, l.lane) = ($1, $2) and starts_with(l.topic, $3) and l.reconciled = (select incarnation())),
examined as (
  select j.sequence, bool_and(j.at is not null and j.at < statement_timestamp() - $4::interval)
    over (order by j.sequence) as old
  from l cross join lateral (
    select sequence, event_time(headers) as at from journal
    where (topic, lane, timeline) = (l.topic, l.lane, l.timeline)
      and sequence > l.removed and sequence <= l.published
    order by sequence limit $5) j),
upto as (select max(sequence) as sequence from examined where old),
started as (
  insert into journal_start as s (topic, lane, removed)
  select l.topic, l.lane, u.sequence from l, upto u where u.sequence is not null
  on conflict (topic, lane) do update set removed = greatest(s.removed, excluded.removed)),
removed as (
  delete from journal j using l, upto u, generate_series(1, (select timeline from l)) t (timeline)
  where (j.topic, j.lane, j.timeline) = (l.topic, l.lane, t.timeline)
    and j.sequence > l.removed and j.sequence <= u.sequence
  returning octet_length(j.key) + octet_length(j.headers) + octet_length(j.value) as bytes)
select count(*) as rows, coalesce(sum(bytes), 0)::bigint as bytes from removed
"""
# For an operator's recovery, which has no time limit.
BEGIN_AFTER: Final = """
with started as (
  insert into journal_start as s (topic, lane, removed) select $1, $2, $3 where starts_with($1, $4)
  on conflict (topic, lane) do update set removed = greatest(s.removed, excluded.removed)
  returning topic, lane, removed)
delete from journal j using started s where (j.topic, j.lane) = (s.topic, s.lane) and j.sequence <= s.removed
"""


class Removal(NamedTuple):
    """Rows that one statement removed or shortened, and the bytes of content that were freed."""

    rows: int
    bytes: int


async def ages(connection: Connection, after: LaneId) -> Sequence[tuple[LaneId, float | None]]:
    """The next `LANES_PER_PAGE` receipts lanes after this lane, in order of name.

    The age is that of the oldest published row in the journal, in seconds; None for a lane without such a row.
    """
    failpoints.reached("receipt-retention.oldest")
    rows = await connection.fetch(OLDEST, PREFIX, *after, LANES_PER_PAGE)
    return [((row["topic"], row["lane"]), row["age"]) for row in rows]


async def remove_receipts(connection: Connection, lane: LaneId, retention: timedelta) -> Removal:
    """Remove up to `ROWS_MAX` of the oldest receipts of a lane that are published and older than ``retention``."""
    failpoints.reached("receipt-retention.remove")
    row = await connection.fetchrow(REMOVE, *lane, PREFIX, retention, ROWS_MAX)
    assert row is not None
    return Removal(row["rows"], row["bytes"])


async def begin_after(connection: Connection, lane: LaneId, sequence: int) -> None:
    """Let the journal of a receipts lane begin after this sequence, because Kafka has expired the receipts before.

    A restored journal may have older receipts. Between these and Kafka's first receipt the numbers are lost for good.
    """
    failpoints.reached("receipt-retention.begin-after")
    await connection.execute(BEGIN_AFTER, *lane, sequence, PREFIX)
