"""Queue of pending webhooks per push subscription: filled from the feed, claimed for attempts.

Only the first pending event of a subject is due. The order per subject is kept, and a failing subject does not delay
other subjects. Inserting and deleting deliveries of one lane of one subscription exclude each other by a lock on the
cursor row. So no event is inserted as the successor of a delivery that is being deleted, to stay pending for ever.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from samenspel.contracts.canonical import to_structured
from samenspel.runtime import failpoints
from samenspel.runtime.bulk_parameters import as_arrays
from samenspel.runtime.postgres import Pool

LANES_AT_ONCE: Final = 200
EVENTS_AT_ONCE: Final = 100
"""Per lane of a subscription. With `LANES_AT_ONCE`: the maximum that one transaction inserts."""
OPEN_RANGE_MAX: Final = 100_000
"""Maximum distance between the oldest pending event of a lane and the newest inserted event of that lane."""
ROTATION_HOURS: Final = 24
"""Hours for which a replaced secret also signs."""

# The smallest backlog comes first: a subscription that starts at the beginning delays no current subscription.
LAGGING_CURSORS: Final = """
select c.subscription_id, c.topic, c.lane, p.timeline, x.low, least(p.sequence, x.low + $1) as high
from subscription_cursor c
join subscription s using (subscription_id)
join checkpoint p using (topic, lane)
cross join lateral (select case when c.timeline = p.timeline then c.sequence else 0 end as low) x
where s.active and not s.gone and s.delivery = 'push' and (c.timeline, c.sequence) < (p.timeline, p.sequence)
  and not exists (
    select from delivery d
    where (d.subscription_id, d.topic, d.lane, d.timeline) = (c.subscription_id, c.topic, c.lane, c.timeline)
      and d.sequence <= x.low - $3)
order by p.sequence - x.low limit $2
for update of c skip locked
"""
INSERT_DELIVERIES: Final = """
insert into delivery (subscription_id, topic, lane, timeline, sequence, subject, due_at)
select r.subscription_id, f.topic, f.lane, f.timeline, f.sequence, f.subject,
  case when row_number() over (partition by r.subscription_id, f.topic, f.subject order by f.sequence) = 1
        and not exists (select from delivery d
                        where (d.subscription_id, d.topic, d.subject) = (r.subscription_id, f.topic, f.subject))
       then now() else 'infinity' end
from unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::bigint[], $6::bigint[])
  as r (subscription_id, topic, lane, timeline, low, high)
join subscription s using (subscription_id)
join feed f on (f.topic, f.lane, f.timeline) = (r.topic, r.lane, r.timeline)
  and f.sequence > r.low and f.sequence <= r.high
where cardinality(s.types) = 0 or f.type = any(s.types)
on conflict do nothing
"""
ADVANCE_CURSORS: Final = """
update subscription_cursor c set timeline = r.timeline, sequence = r.high
from unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::bigint[], $6::bigint[])
  as r (subscription_id, topic, lane, timeline, low, high)
where (c.subscription_id, c.topic, c.lane) = (r.subscription_id, r.topic, r.lane)
"""
# A failing receiver gets one attempt at a time; deliveries with the fewest failures come first.
CLAIM: Final = """
with due as (
  select d.* from subscription s
  left join unnest($1::text[], $2::int[]) as b (subscription_id, running) using (subscription_id)
  cross join lateral (
    select d.subscription_id, d.topic, d.lane, d.timeline, d.sequence from delivery d
    where d.subscription_id = s.subscription_id and d.due_at <= now() and d.due_at < 'infinity'
    order by d.attempts, d.due_at
    limit greatest(0, case when s.rounds > 0 then 1 else $3 end - coalesce(b.running, 0))
    for update skip locked) d
  where s.active and not s.gone and s.delivery = 'push' and s.resume_at <= now()),
claimed as (
  update delivery d set due_at = now() + make_interval(secs => $4), holder = $5 from due
  where (d.subscription_id, d.topic, d.lane, d.timeline, d.sequence)
      = (due.subscription_id, due.topic, due.lane, due.timeline, due.sequence)
  returning d.*)
select c.subscription_id, c.topic, c.lane, c.timeline, c.sequence, c.subject, c.attempts,
       s.rounds, e.url, f.id, f.headers, f.value,
       array[e.secret] || case when e.rotated_at > now() - make_interval(hours => $6) then array[e.old_secret] end
         as secrets
from claimed c
join subscription s using (subscription_id)
join endpoint e using (organisation, subscription_id)
join feed f using (topic, lane, timeline, sequence)
"""
RELEASE: Final = "update delivery set due_at = now(), holder = null where holder = $1"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One claimed event for one subscription, with the number of failed attempts.

    ``rounds`` is the number of consecutive rounds in which the receiver was unreachable.
    """

    subscription_id: str
    topic: str
    lane: int
    timeline: int
    sequence: int
    subject: str
    attempts: int
    rounds: int
    url: str
    encrypted_secrets: Sequence[str]
    event_id: str
    body: bytes

    @property
    def key(self) -> tuple[str, str, int, int, int]:
        return self.subscription_id, self.topic, self.lane, self.timeline, self.sequence


async def enqueue_new(pool: Pool) -> int:
    """Insert deliveries for new events of the feed, one batch. Returns the number of advanced cursors."""
    failpoints.reached("deliveries.begin")
    async with pool.acquire() as connection, connection.transaction():
        failpoints.reached("deliveries.behind")
        lagging = await connection.fetch(LAGGING_CURSORS, EVENTS_AT_ONCE, LANES_AT_ONCE, OPEN_RANGE_MAX)
        if lagging:
            ranges = as_arrays([tuple(row) for row in lagging], 6)
            # A separate statement: it must see deletions that were committed before this transaction got the lock.
            failpoints.reached("deliveries.open")
            await connection.execute(INSERT_DELIVERIES, *ranges)
            failpoints.reached("deliveries.move")
            await connection.execute(ADVANCE_CURSORS, *ranges)
            failpoints.reached("deliveries.commit")
        return len(lagging)


async def claim(pool: Pool, running: Mapping[str, int], at_once: int, seconds: float, holder: str) -> list[Delivery]:
    """Claim due deliveries for ``seconds``: at most ``at_once`` per subscription, including ``running`` attempts."""
    busy = as_arrays(sorted(running.items()), 2)
    failpoints.reached("deliveries.claim")
    return [_delivery(row) for row in await pool.fetch(CLAIM, *busy, at_once, seconds, holder, ROTATION_HOURS)]


async def release(pool: Pool, holder: str) -> None:
    """Release the claims of ``holder``. At start: deliveries that this instance had claimed are due at once."""
    failpoints.reached("deliveries.take-back")
    await pool.execute(RELEASE, holder)


def _delivery(row: Any) -> Delivery:
    return Delivery(
        subscription_id=row["subscription_id"],
        topic=row["topic"],
        lane=row["lane"],
        timeline=row["timeline"],
        sequence=row["sequence"],
        subject=row["subject"],
        attempts=row["attempts"],
        rounds=row["rounds"],
        url=row["url"],
        encrypted_secrets=row["secrets"],
        event_id=row["id"],
        body=to_structured(row["headers"], row["value"]),
    )
