"""Queue of pending webhooks per push subscription: filled from the feed, claimed for attempts.

Only the first pending event of a subject is due. The order per subject is kept, and a failing subject does not delay
other subjects. Inserting and deleting deliveries of one lane of one subscription exclude each other by a lock on the
cursor row. So no event is inserted as the successor of a delivery that is being deleted, to stay pending for ever.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final, NamedTuple

from samenspel.contracts.canonical import to_structured
from samenspel.contracts.topics import NOTIFICATIONS
from samenspel.runtime import failpoints
from samenspel.runtime.bulk_parameters import as_arrays
from samenspel.runtime.limits import DELIVERIES, PENDING_DELIVERIES
from samenspel.runtime.postgres import Pool

from services.notifier.store.endpoints import ROTATION_HOURS

LANES_AT_ONCE: Final = 200
LANES_PER_ORGANISATION: Final = 40
"""Per transaction, so that the backlog of one organisation does not delay the new events of another."""
EVENTS_AT_ONCE: Final = 100
"""Per lane of a subscription. With `LANES_AT_ONCE`: the maximum that one transaction inserts."""
FULL_SECONDS: Final = 5.0

# The organisations take turns, each with its smallest backlog first: a subscription that starts at the beginning
# delays no current subscription. A subscription with too many pending deliveries (`is_full`) waits.
# Only lagging cursors are read, by the index, and as many are locked as are returned: `offset 0` and `lateral` keep
# PostgreSQL from reading the cursors of all subscriptions.
LAGGING_CURSORS: Final = """
with lagging as materialized (
  select c.subscription_id, c.topic, c.lane, s.organisation, p.timeline, p.sequence,
         p.sequence - case when c.timeline = p.timeline then c.sequence else 0 end as backlog
  from checkpoint p
  cross join lateral (
    select c.subscription_id, c.topic, c.lane, c.timeline, c.sequence from subscription_cursor c
    where (c.topic, c.lane) = (p.topic, p.lane) and not c.pull and c.awaited_offset is null
      and (c.timeline, c.sequence) < (p.timeline, p.sequence) offset 0) c
  cross join lateral (
    select s.organisation from subscription s
    where s.subscription_id = c.subscription_id and s.active and not s.gone and s.delivery = 'push' offset 0) s
  where c.subscription_id <> all($5::text[])),
counted as materialized (
  select subscription_id, $3 <= (
    select count(*) from (
      select from delivery d where d.subscription_id = l.subscription_id limit $3) pending) as is_full
  from (select distinct subscription_id from lagging) l),
placed as (
  select *, row_number() over (partition by organisation, is_full order by backlog) as place
  from lagging join counted using (subscription_id)),
locked as (
  select c.subscription_id, c.topic, c.lane, l.timeline, c.low, least(l.sequence, c.low + $1) as high, l.is_full
  from (select * from placed where place <= $4 order by is_full, place) l
  cross join lateral (
    select c.subscription_id, c.topic, c.lane, case when c.timeline = l.timeline then c.sequence else 0 end as low
    from subscription_cursor c
    where (c.subscription_id, c.topic, c.lane) = (l.subscription_id, l.topic, l.lane)
      and (c.timeline, c.sequence) < (l.timeline, l.sequence)
    for update skip locked) c
  limit $2)
select l.subscription_id, l.topic, l.lane, l.timeline, l.low, l.high, l.is_full, w.waiting
from (select count(*) as waiting from placed where not is_full) w left join locked l on true
"""
# The deliveries of these ranges, and the cursors after them.
# A subscription is the business of its subscriber: events about the subscriptions of others are not delivered.
# `offset 0`: see the comment on `READ` in `services/notifier/feed.py`.
INSERT_DELIVERIES: Final = """
with moved as (
  update subscription_cursor c set timeline = r.timeline, sequence = r.high
  from unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::bigint[], $6::bigint[])
    as r (subscription_id, topic, lane, timeline, low, high)
  where (c.subscription_id, c.topic, c.lane) = (r.subscription_id, r.topic, r.lane))
insert into delivery (subscription_id, topic, lane, timeline, sequence, subject, due_at)
select r.subscription_id, f.topic, f.lane, f.timeline, f.sequence, f.subject,
  case when row_number() over (partition by r.subscription_id, f.topic, f.subject order by f.sequence) = 1
        and not exists (select from delivery d
                        where (d.subscription_id, d.topic, d.subject) = (r.subscription_id, f.topic, f.subject))
       then now() else 'infinity' end
from unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::bigint[], $6::bigint[])
  as r (subscription_id, topic, lane, timeline, low, high)
join subscription s using (subscription_id)
cross join lateral (
  select * from feed f where (f.topic, f.lane, f.timeline) = (r.topic, r.lane, r.timeline)
    and f.sequence > r.low and f.sequence <= r.high order by f.sequence offset 0) f
where (cardinality(s.types) = 0 or f.type = any(s.types)) and (f.topic <> $7 or f.organisation = s.organisation)
on conflict do nothing
"""
# A failing receiver gets one attempt at a time; deliveries with the fewest failures come first. The organisation with
# the fewest running attempts comes first. `pending` walks the index of deliveries from subscription to subscription.
CLAIM: Final = """
with recursive pending as (
  (select subscription_id from delivery where due_at < 'infinity' order by subscription_id limit 1)
  union all
  select (select d.subscription_id from delivery d
          where d.due_at < 'infinity' and d.subscription_id > p.subscription_id order by d.subscription_id limit 1)
  from pending p where p.subscription_id is not null),
due as (
  select d.*, s.organisation,
         row_number() over (partition by s.organisation order by d.attempts, d.due_at) as place
  from pending p
  cross join lateral (
    select s.subscription_id, s.organisation, s.rounds from subscription s
    where s.subscription_id = p.subscription_id and s.active and not s.gone and s.delivery = 'push'
      and s.resume_at <= now() offset 0) s
  left join unnest($1::text[], $2::int[]) as b (subscription_id, running) on b.subscription_id = s.subscription_id
  cross join lateral (
    select d.subscription_id, d.topic, d.lane, d.timeline, d.sequence, d.attempts, d.due_at from delivery d
    where d.subscription_id = s.subscription_id and d.due_at <= now() and d.due_at < 'infinity'
    order by d.attempts, d.due_at
    limit greatest(0, case when s.rounds > 0 then 1 else $3 end - coalesce(b.running, 0))
    for update skip locked) d),
shared as (
  select due.*, due.place + coalesce(o.running, 0) as turn from due
  left join unnest($7::text[], $8::int[]) as o (organisation, running) using (organisation)),
chosen as (select * from shared where turn <= $9 order by turn limit $10),
claimed as (
  update delivery d set due_at = now() + make_interval(secs => $4), holder = $5 from chosen due
  where (d.subscription_id, d.topic, d.lane, d.timeline, d.sequence)
      = (due.subscription_id, due.topic, due.lane, due.timeline, due.sequence)
  returning d.*)
select c.subscription_id, c.topic, c.lane, c.timeline, c.sequence, c.subject, c.attempts, s.organisation,
       s.rounds, e.url, f.id, f.headers, f.value,
       array[e.secret] || array(
         select r.secret from replaced_secret r
         where (r.organisation, r.subscription_id) = (e.organisation, e.subscription_id) and r.ends_at > now()
         union select e.old_secret where e.rotated_at > now() - make_interval(hours => $6)) as secrets
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
    organisation: str
    rounds: int
    url: str
    encrypted_secrets: Sequence[str]
    event_id: str
    body: bytes

    @property
    def key(self) -> tuple[str, str, int, int, int]:
        return self.subscription_id, self.topic, self.lane, self.timeline, self.sequence


@dataclass(frozen=True, slots=True)
class DeliveryLimits:
    """Attempts in progress: per subscription, per organisation, and in total on this instance.

    ``pending`` is the largest number of pending deliveries of a subscription.
    """

    per_subscription: int = 32
    per_organisation: int = DELIVERIES.default
    total: int = 512
    pending: int = PENDING_DELIVERIES.default


class QueueProgress(NamedTuple):
    """Result of `enqueue_new`: advanced cursors, and whether cursors still lag.

    A cursor still lags behind a long range, or while another transaction has locked the cursor.
    """

    cursors: int
    more: bool


@dataclass(slots=True)
class RunningAttempts:
    """Attempts in progress on this instance, by subscription and by organisation."""

    by_subscription: Counter[str] = field(default_factory=Counter)
    by_organisation: Counter[str] = field(default_factory=Counter)

    def add(self, delivery: "Delivery", number: int) -> None:
        for counter, name in (
            (self.by_subscription, delivery.subscription_id),
            (self.by_organisation, delivery.organisation),
        ):
            counter[name] += number
            if not counter[name]:
                del counter[name]

    def copy(self) -> "RunningAttempts":
        return RunningAttempts(self.by_subscription.copy(), self.by_organisation.copy())

    def at_limit(self, limits: DeliveryLimits) -> bool:
        """Whether further due deliveries may wait for the end of an attempt."""
        return (
            self.by_organisation.total() >= limits.total
            or max(self.by_organisation.values(), default=0) >= limits.per_organisation
            or max(self.by_subscription.values(), default=0) >= limits.per_subscription
        )


class FullSubscriptions:
    """Subscriptions with too many pending deliveries. Counting is expensive, so a full one rests `FULL_SECONDS`."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def add(self, subscriptions: Iterable[str]) -> None:
        self._until |= dict.fromkeys(subscriptions, monotonic() + FULL_SECONDS)

    def resting(self) -> list[str]:
        self._until = {name: until for name, until in self._until.items() if until > monotonic()}
        return sorted(self._until)


async def enqueue_new(pool: Pool, pending: int, full: FullSubscriptions) -> QueueProgress:
    """Insert deliveries for new events of the feed, one batch.

    A subscription with ``pending`` or more pending deliveries gets none, and is added to ``full``.
    """
    failpoints.reached("deliveries.begin")
    async with pool.acquire() as connection, connection.transaction():
        bounds = (EVENTS_AT_ONCE, LANES_AT_ONCE, pending, LANES_PER_ORGANISATION, full.resting())
        failpoints.reached("deliveries.behind")
        found = await connection.fetch(LAGGING_CURSORS, *bounds)
        lagging = [row for row in found if row["subscription_id"] is not None]
        full.add({row["subscription_id"] for row in lagging if row["is_full"]})
        if fed := [tuple(row)[:6] for row in lagging if not row["is_full"]]:
            # A separate statement: it must see deletions that were committed before this transaction got the lock.
            failpoints.reached("deliveries.open")
            await connection.execute(INSERT_DELIVERIES, *as_arrays(fed, 6), NOTIFICATIONS)
            failpoints.reached("deliveries.commit")
    is_cut = any(high - low >= EVENTS_AT_ONCE for *_, low, high in fed)
    return QueueProgress(len(fed), is_cut or found[0]["waiting"] > len(fed))


async def claim(
    pool: Pool, running: RunningAttempts, limits: DeliveryLimits, seconds: float, holder: str
) -> list[Delivery]:
    """Claim due deliveries for ``seconds``, within ``limits``, which include the ``running`` attempts."""
    free = limits.total - running.by_organisation.total()
    if free <= 0:
        return []
    subscriptions = as_arrays(sorted(running.by_subscription.items()), 2)
    organisations = as_arrays(sorted(running.by_organisation.items()), 2)
    own = (limits.per_subscription, seconds, holder, ROTATION_HOURS)
    failpoints.reached("deliveries.claim")
    rows = await pool.fetch(CLAIM, *subscriptions, *own, *organisations, limits.per_organisation, free)
    bodies: dict[str, bytes] = {}
    return [_delivery(row, bodies) for row in rows]


async def release(pool: Pool, holder: str) -> None:
    """Release the claims of ``holder``. At start: deliveries that this instance had claimed are due at once."""
    failpoints.reached("deliveries.take-back")
    await pool.execute(RELEASE, holder)


def _delivery(row: Any, bodies: dict[str, bytes]) -> Delivery:
    """The delivery in a row. ``bodies`` has the structured events so far, by id: one for all subscriptions."""
    body = bodies.get(row["id"])
    if body is None:
        body = bodies[row["id"]] = to_structured(row["headers"], row["value"])
    return Delivery(
        subscription_id=row["subscription_id"],
        topic=row["topic"],
        lane=row["lane"],
        timeline=row["timeline"],
        sequence=row["sequence"],
        subject=row["subject"],
        attempts=row["attempts"],
        organisation=row["organisation"],
        rounds=row["rounds"],
        url=row["url"],
        encrypted_secrets=row["secrets"],
        event_id=row["id"],
        body=body,
    )
