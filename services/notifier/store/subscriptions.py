"""SQL of subscriptions: private part, cursors, and figures for the subscriber."""

from typing import Any, Final

from samenspel.contracts.notifications import Subscription
from samenspel.contracts.topics import CANONICAL, LaneId
from samenspel.runtime import failpoints
from samenspel.runtime.bulk_parameters import as_arrays
from samenspel.runtime.postgres import Connection, Pool

from services.notifier.domain.cursor import Cursor, LanePosition

INSERT: Final = "insert into subscription (subscription_id, organisation, types, delivery) values ($1, $2, $3, $4)"
# Start "beginning": sequence 0 of each lane. Start "now": the end of the feed in this transaction.
INSERT_CURSOR: Final = """
insert into subscription_cursor (subscription_id, topic, lane, timeline, sequence)
select $1, topic, lane, coalesce(p.timeline, 1), case when $4 then coalesce(p.sequence, 0) else 0 end
from unnest($2::text[]) as topic cross join generate_series(0, $3 - 1) as lane
left join checkpoint p using (topic, lane)
"""
LOCK: Final = "select from subscription_cursor where subscription_id = $1 order by topic, lane for update"
DEACTIVATE: Final = (
    "delete from delivery where subscription_id = $1",
    "update subscription set active = false where subscription_id = $1",
    "delete from endpoint e using subscription s where s.subscription_id = $1 "
    "and (e.organisation, e.subscription_id) = (s.organisation, s.subscription_id)",
)
FIGURES: Final = """
select s.*, a.value, e.url,
  (select count(*) from delivery d where d.subscription_id = s.subscription_id) as pending,
  (select count(*) from delivery d where d.subscription_id = s.subscription_id and attempts > 0) as retrying
from subscription s
join aggregate a on (a.aggregate, a.subject) = ('subscription.v1', s.subscription_id)
left join endpoint e on (e.organisation, e.subscription_id) = (s.organisation, s.subscription_id)
where s.organisation = $1 and ($2::text is null or s.subscription_id = $2)
order by s.subscription_id
"""
# Start of a pull: before the first pending delivery; without pending deliveries the cursor of the queue.
CURSOR: Final = """
select c.topic, c.lane, c.timeline, coalesce(
  (select min(d.sequence) - 1 from delivery d
   where (d.subscription_id, d.topic, d.lane, d.timeline) = (c.subscription_id, c.topic, c.lane, c.timeline)),
  c.sequence) as sequence
from subscription_cursor c where c.subscription_id = $1
"""
ACKNOWLEDGE: Final = """
update subscription_cursor c set timeline = x.timeline, sequence = x.sequence
from unnest($2::text[], $3::int[], $4::int[], $5::bigint[]) as x (topic, lane, timeline, sequence)
where c.subscription_id = $1 and (c.topic, c.lane) = (x.topic, x.lane)
  and (c.timeline, c.sequence) < (x.timeline, x.sequence)
"""
DELETE_ACKNOWLEDGED: Final = """
delete from delivery d
using unnest($2::text[], $3::int[], $4::int[], $5::bigint[]) as x (topic, lane, timeline, sequence)
where d.subscription_id = $1 and (d.topic, d.lane) = (x.topic, x.lane)
  and (d.timeline, d.sequence) <= (x.timeline, x.sequence)
"""
# The first delivery of each subject becomes due.
PROMOTE: Final = """
update delivery d set due_at = now()
where d.subscription_id = $1 and d.due_at = 'infinity' and not exists (
  select from delivery e
  where (e.subscription_id, e.topic, e.subject) = (d.subscription_id, d.topic, d.subject)
    and (e.timeline, e.sequence) < (d.timeline, d.sequence))
"""
RESUME: Final = (
    "update subscription set gone = false, rounds = 0, resume_at = '-infinity', last_error = null "
    "where subscription_id = $1",
    "update delivery set due_at = now() where subscription_id = $1 and attempts > 0 and due_at < 'infinity' "
    "and holder is null",
)


async def activate(connection: Connection, state: Subscription, lanes: int) -> None:
    """Store an accepted subscription, with cursors at the beginning or at the current end of the feed."""
    subscription_id = state.subscription_id
    failpoints.reached("notifier.begin-subscription")
    await connection.execute(INSERT, subscription_id, state.organisation, list(state.types), state.delivery)
    failpoints.reached("notifier.place-cursor")
    await connection.execute(INSERT_CURSOR, subscription_id, list(CANONICAL), lanes, state.start == "now")


async def deactivate(connection: Connection, state: Subscription) -> None:
    """End a cancelled subscription: delete pending deliveries, endpoint and secrets."""
    failpoints.reached("notifier.lock-cursor")
    await connection.execute(LOCK, state.subscription_id)
    for statement in DEACTIVATE:
        failpoints.reached("notifier.end-subscription")
        await connection.execute(statement, state.subscription_id)


async def figures(pool: Pool, organisation: str, subscription_id: str | None = None) -> list[Any]:
    """The subscriptions of an organisation, or one subscription, with counts of deliveries."""
    return await pool.fetch(FIGURES, organisation, subscription_id)


async def cursor_of(pool: Pool, subscription_id: str) -> dict[LaneId, LanePosition]:
    """The cursor before the first pending event of each lane. Some later events may have been delivered already."""
    rows = await pool.fetch(CURSOR, subscription_id)
    return {(row["topic"], row["lane"]): LanePosition(row["timeline"], row["sequence"]) for row in rows}


async def acknowledge(pool: Pool, subscription_id: str, cursor: Cursor) -> None:
    """Remove deliveries up to ``cursor`` and advance the cursor. The cursor never moves back."""
    places = as_arrays([(*name, *place) for name, place in sorted(cursor.items())], 4)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(LOCK, subscription_id)
        await connection.execute(ACKNOWLEDGE, subscription_id, *places)
        await connection.execute(DELETE_ACKNOWLEDGED, subscription_id, *places)
        await connection.execute(PROMOTE, subscription_id)


async def resume(pool: Pool, subscription_id: str) -> None:
    """Make postponed deliveries due now, also after a response 410."""
    async with pool.acquire() as connection, connection.transaction():
        for statement in reversed(RESUME):
            await connection.execute(statement, subscription_id)
