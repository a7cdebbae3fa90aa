"""SQL of subscriptions: terms, cursors, and figures for the subscriber."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from samenspel.contracts.notifications import AnySubscription, SubscriptionTerms
from samenspel.contracts.topics import CANONICAL, LaneId
from samenspel.runtime import failpoints
from samenspel.runtime.bulk_parameters import as_arrays
from samenspel.runtime.postgres import Connection, Pool

from services.notifier.domain.cursor import START, Cursor, LanePosition, advances

PAGE_MAX: Final = 100
INSERT: Final = """
insert into subscription (subscription_id, organisation, types, delivery) values ($1, $2, $3, $4)
on conflict (subscription_id) do update set types = excluded.types, delivery = excluded.delivery
"""
INSERT_WITHOUT_TERMS: Final = """
insert into subscription (subscription_id, organisation) values ($1, $2) on conflict (subscription_id) do nothing
"""
# Start "beginning": sequence 0 of each lane. Start "now": the end of the lane in Kafka. If the feed does not reach
# that end yet, the lane waits (`RESOLVE_STARTS`).
INSERT_CURSOR: Final = """
insert into subscription_cursor (subscription_id, topic, lane, timeline, sequence, pull, awaited_offset,
                                 start_timeline, start_sequence)
select $1, topic, lane, coalesce(p.timeline, 1), case when $4 then coalesce(p.sequence, 0) else 0 end,
  $5, case when x.waits then e.log_end end,
  case when $4 and not x.waits then coalesce(p.timeline, 1) end,
  case when $4 and not x.waits then coalesce(p.sequence, 0) end
from unnest($2::text[]) as topic cross join generate_series(0, $3 - 1) as lane
left join checkpoint p using (topic, lane)
left join unnest($6::text[], $7::int[], $8::bigint[]) as e (topic, lane, log_end) using (topic, lane)
cross join lateral (
  select $4 and coalesce(e.log_end > greatest(p.last_offset + 1, p.read_offset, 0), false) as waits) x
on conflict do nothing
"""
# The start of a lane that the feed now reaches: after the last event below the awaited offset. An event of a version
# before has no offset, and is delivered rather than lost.
RESOLVE_STARTS: Final = """
with reached as (
  select c.subscription_id, c.topic, c.lane, c.awaited_offset, p.timeline,
         case when c.timeline = p.timeline then c.sequence else 0 end as low
  from subscription_cursor c join checkpoint p using (topic, lane)
  where c.awaited_offset is not null and c.awaited_offset <= greatest(p.last_offset + 1, p.read_offset)
  for update of c skip locked),
placed as (
  select r.*, coalesce((
    select f.sequence from feed f
    where (f.topic, f.lane, f.timeline) = (r.topic, r.lane, r.timeline) and f.sequence > r.low
      and f.log_offset < r.awaited_offset
    order by f.sequence desc limit 1), r.low) as sequence
  from reached r)
update subscription_cursor c set timeline = x.timeline, sequence = x.sequence, awaited_offset = null,
  start_timeline = x.timeline, start_sequence = x.sequence
from placed x where (c.subscription_id, c.topic, c.lane) = (x.subscription_id, x.topic, x.lane)
returning c.topic, c.lane
"""
# The offsets of a log that was created again mean other records: an event is delivered rather than lost.
RELEASE_STARTS: Final = """
update subscription_cursor set awaited_offset = null, start_timeline = timeline, start_sequence = sequence
where awaited_offset is not null and (topic, lane) in (select * from unnest($1::text[], $2::int[]))
"""
STARTS: Final = """
select topic, lane, awaited_offset, start_timeline, start_sequence from subscription_cursor
where subscription_id = $1 and (awaited_offset is not null or start_sequence is not null)
"""
ACTIVE: Final = """
select s.organisation, s.subscription_id, e.url from subscription s
left join endpoint e using (organisation, subscription_id)
where s.active and s.organisation = any($1::text[])
"""
COUNT_ACTIVE: Final = "select organisation, count(*) as number from subscription where active group by organisation"
LOCK: Final = "select from subscription_cursor where subscription_id = $1 order by topic, lane for update"
DEACTIVATE: Final = (
    "delete from delivery where subscription_id = $1",
    "update subscription set active = false where subscription_id = $1",
    "delete from endpoint e using subscription s where s.subscription_id = $1 "
    "and (e.organisation, e.subscription_id) = (s.organisation, s.subscription_id)",
    "delete from subscription_cursor where subscription_id = $1",
)
FIGURES: Final = """
select s.*, a.value, a.private, e.url,
  (select count(*) from delivery d where d.subscription_id = s.subscription_id) as pending,
  (select count(*) from delivery d where d.subscription_id = s.subscription_id and attempts > 0) as postponed
from subscription s
join aggregate a on a.subject = s.subscription_id and a.aggregate in ('subscription.v1', 'subscription.v2')
left join endpoint e on (e.organisation, e.subscription_id) = (s.organisation, s.subscription_id)
where s.organisation = $1 and ($2::text is null or s.subscription_id = $2) and s.subscription_id > $3
order by s.subscription_id limit $4
"""
# Start of a pull: before the first pending delivery; without pending deliveries the cursor of the queue. A lane whose
# start is not known yet is absent.
CURSOR: Final = """
select c.topic, c.lane, c.timeline, coalesce(
  (select min(d.sequence) - 1 from delivery d
   where (d.subscription_id, d.topic, d.lane, d.timeline) = (c.subscription_id, c.topic, c.lane, c.timeline)),
  c.sequence) as sequence
from subscription_cursor c where c.subscription_id = $1 and c.awaited_offset is null
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


@dataclass(frozen=True, slots=True)
class SubscriptionStart:
    """The places where a subscription with start *now* begins, by lane, and the lanes without a known place yet."""

    begins: Cursor = field(default_factory=dict)
    awaited: frozenset[LaneId] = frozenset()

    def after(self, cursor: Cursor) -> Cursor:
        """The same cursor; a lane that is absent from the cursor begins at the start."""
        return {**self.begins, **{name: place for name, place in cursor.items() if place != START}}


async def activate(
    connection: Connection,
    state: AnySubscription,
    terms: SubscriptionTerms | None,
    lanes: int,
    ends: Mapping[LaneId, int],
) -> None:
    """Store an accepted subscription, with cursors at the beginning or at the ``ends`` of the lanes in Kafka.

    Without ``terms``, after a recovery from Kafka, the subscription is listed and nothing is delivered.
    """
    subscription_id = state.subscription_id
    failpoints.reached("notifier.begin-subscription")
    if terms is None:
        await connection.execute(INSERT_WITHOUT_TERMS, subscription_id, state.organisation)
        return
    await connection.execute(INSERT, subscription_id, state.organisation, list(terms.types), terms.delivery)
    starts = list(CANONICAL), lanes, terms.start == "now", terms.delivery == "pull"
    log_ends = as_arrays([(*name, end) for name, end in sorted(ends.items())], 3)
    failpoints.reached("notifier.place-cursor")
    await connection.execute(INSERT_CURSOR, subscription_id, *starts, *log_ends)


async def deactivate(connection: Connection, state: AnySubscription) -> None:
    """End a cancelled subscription: delete pending deliveries, endpoint, secrets and cursors."""
    failpoints.reached("notifier.lock-cursor")
    await connection.execute(LOCK, state.subscription_id)
    for statement in DEACTIVATE:
        failpoints.reached("notifier.end-subscription")
        await connection.execute(statement, state.subscription_id)


async def active(connection: Connection, organisations: Collection[str]) -> Mapping[str, Mapping[str, str | None]]:
    """The active subscriptions of these organisations: per organisation the endpoint by id, None for pull."""
    found: dict[str, dict[str, str | None]] = {organisation: {} for organisation in organisations}
    if organisations:
        failpoints.reached("notifier.active-subscriptions")
        for row in await connection.fetch(ACTIVE, sorted(organisations)):
            found[row["organisation"]][row["subscription_id"]] = row["url"]
    return found


async def count_active(connection: Connection) -> dict[str, float]:
    """Number of active subscriptions, by organisation."""
    return {row["organisation"]: row["number"] for row in await connection.fetch(COUNT_ACTIVE)}


async def figures(
    pool: Pool, organisation: str, subscription_id: str | None = None, after: str = "", limit: int = PAGE_MAX
) -> list[Any]:
    """The subscriptions of an organisation with an id above ``after``, or one subscription, with delivery counts."""
    return await pool.fetch(FIGURES, organisation, subscription_id, after, limit)


async def cursor_of(pool: Pool, subscription_id: str) -> dict[LaneId, LanePosition]:
    """The cursor before the first pending event of each lane. Some later events may have been delivered already."""
    async with pool.acquire() as connection:
        return await _cursor_of(connection, subscription_id)


async def _cursor_of(connection: Connection, subscription_id: str) -> dict[LaneId, LanePosition]:
    rows = await connection.fetch(CURSOR, subscription_id)
    return {(row["topic"], row["lane"]): LanePosition(row["timeline"], row["sequence"]) for row in rows}


async def start_of(pool: Pool, subscription_id: str) -> SubscriptionStart:
    """The start of a subscription; without any place for a subscription that starts at the beginning."""
    rows = {(row["topic"], row["lane"]): row for row in await pool.fetch(STARTS, subscription_id)}
    awaited = frozenset(name for name, row in rows.items() if row["awaited_offset"] is not None)
    begins = {
        name: LanePosition(row["start_timeline"], row["start_sequence"])
        for name, row in rows.items()
        if name not in awaited
    }
    return SubscriptionStart(begins, awaited)


async def resolve_starts(pool: Pool) -> int:
    """Place the starts that the feed now reaches. Returns the number of lanes that begin."""
    return len(await pool.fetch(RESOLVE_STARTS))


async def release_starts(pool: Pool, lanes: Iterable[LaneId]) -> None:
    """Let waiting starts on these lanes begin at the end of the feed at the time of their subscription."""
    await pool.execute(RELEASE_STARTS, *as_arrays(sorted(lanes), 2))


async def acknowledge(pool: Pool, subscription_id: str, cursor: Cursor) -> bool:
    """Remove deliveries up to ``cursor`` and advance the cursor, on each lane where ``cursor`` is further.

    Returns False if no lane advances and a lane would move back: the cursor never moves back.
    """
    places = as_arrays([(*name, *place) for name, place in sorted(cursor.items())], 4)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(LOCK, subscription_id)
        present = await _cursor_of(connection, subscription_id)
        if not advances(present, cursor):
            return all(cursor.get(name, START) == place for name, place in present.items())
        await connection.execute(ACKNOWLEDGE, subscription_id, *places)
        await connection.execute(DELETE_ACKNOWLEDGED, subscription_id, *places)
        await connection.execute(PROMOTE, subscription_id)
    return True


async def resume(pool: Pool, subscription_id: str) -> None:
    """Make postponed deliveries due now, also after a response 410."""
    async with pool.acquire() as connection, connection.transaction():
        for statement in reversed(RESUME):
            await connection.execute(statement, subscription_id)
