"""Recording of attempts: a delivered event leaves the queue and releases the next event of the subject.

An undelivered event stays in the queue with a later due time. A fault of the notifier itself only delays the event:
figures, attempt log and pauses are about the receiver.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from samenspel.runtime import failpoints
from samenspel.runtime.bulk_parameters import as_arrays
from samenspel.runtime.postgres import Connection, Pool

from services.notifier.deliveries.queue import Delivery
from services.notifier.domain.retry import ResponseClass

LOCK: Final = """
select from subscription_cursor
where (subscription_id, topic, lane) in (select * from unnest($1::text[], $2::text[], $3::int[]))
order by subscription_id, topic, lane for update
"""
# A delivered event leaves the queue, the next event of the subject becomes due, and a failed event waits. The whole
# statement sees the rows from before the deletion, so the deleted rows are excluded by name.
SETTLE: Final = """
with closed as (
  delete from delivery where (subscription_id, topic, lane, timeline, sequence)
    in (select * from unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::bigint[]))
  returning subscription_id, topic, lane, timeline, sequence, subject),
first as materialized (
  select x.subscription_id, x.topic, n.lane, n.timeline, n.sequence
  from (select distinct subscription_id, topic, subject from closed) x
  cross join lateral (
    select n.lane, n.timeline, n.sequence from delivery n
    where (n.subscription_id, n.topic, n.subject) = (x.subscription_id, x.topic, x.subject)
      and (n.subscription_id, n.topic, n.lane, n.timeline, n.sequence)
        not in (select c.subscription_id, c.topic, c.lane, c.timeline, c.sequence from closed c)
    order by n.timeline, n.sequence limit 1) n),
promoted as (
  update delivery d set due_at = now() from first f
  where (d.subscription_id, d.topic, d.lane, d.timeline, d.sequence)
      = (f.subscription_id, f.topic, f.lane, f.timeline, f.sequence) and d.due_at = 'infinity'
  returning d.sequence),
postponed as (
  update delivery d set attempts = attempts + 1, due_at = now() + make_interval(secs => x.wait), holder = null,
                        last_error = x.error
  from unnest($6::text[], $7::text[], $8::int[], $9::int[], $10::bigint[], $11::float8[], $12::text[])
    as x (subscription_id, topic, lane, timeline, sequence, wait, error)
  where (d.subscription_id, d.topic, d.lane, d.timeline, d.sequence)
      = (x.subscription_id, x.topic, x.lane, x.timeline, x.sequence))
select count(*) from promoted
"""
DELAY: Final = """
update delivery d set due_at = now() + make_interval(secs => x.wait), holder = null
from unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::bigint[], $6::float8[])
  as x (subscription_id, topic, lane, timeline, sequence, wait)
where (d.subscription_id, d.topic, d.lane, d.timeline, d.sequence)
    = (x.subscription_id, x.topic, x.lane, x.timeline, x.sequence)
"""
# Concurrent failures of one round increase `rounds` by one. Each attempt gets an entry in the log.
COUNT: Final = """
with logged as (
  insert into attempt (subscription_id, event_id, seconds, status, error)
  select * from unnest($7::text[], $8::text[], $9::real[], $10::int[], $11::text[])),
ordered as (
  select s.subscription_id from subscription s where s.subscription_id = any($1) order by 1 for update)
update subscription s set sent = s.sent + x.sent, failed = s.failed + x.failed, gone = s.gone or x.gone,
  last_error = case when x.failed > 0 then x.error else s.last_error end,
  rounds = case when x.pause is null then case when x.sent > 0 then 0 else s.rounds end
                when s.resume_at <= now() then s.rounds + 1 else s.rounds end,
  resume_at = case when x.pause is null then case when x.sent > 0 then '-infinity' else s.resume_at end
                   else greatest(s.resume_at, now() + make_interval(secs => x.pause)) end
from unnest($1::text[], $2::bigint[], $3::bigint[], $4::bool[], $5::text[], $6::float8[])
  as x (subscription_id, sent, failed, gone, error, pause), ordered o
where s.subscription_id = x.subscription_id and o.subscription_id = s.subscription_id
"""
# The receiver is reachable again: postponed deliveries are due at once.
RECOVERED: Final = """
update delivery d set due_at = now() where d.subscription_id = any($1) and d.attempts > 0 and d.holder is null
  and d.due_at > now() and d.due_at < 'infinity'
"""


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """Result of one attempt.

    ``retry_seconds`` applies to the event; ``pause_seconds`` applies to the receiver, None for a reachable receiver.
    """

    delivery: Delivery
    response_class: ResponseClass
    seconds: float
    status: int | None = None
    retry_seconds: float = 0
    pause_seconds: float | None = None


async def record_attempts(pool: Pool, results: Sequence[AttemptResult]) -> bool:
    """Record ``results`` in one transaction. Returns whether another delivery has become due."""
    failpoints.reached("attempts.begin")
    async with pool.acquire() as connection, connection.transaction():
        is_due = await _record(connection, [each for each in results if not each.response_class.own_fault])
        own = [(*each.delivery.key, each.retry_seconds) for each in results if each.response_class.own_fault]
        if own:
            await connection.execute(DELAY, *as_arrays(sorted(own), 6))
        failpoints.reached("attempts.commit")
    return is_due


async def _record(connection: Connection, results: Sequence[AttemptResult]) -> bool:
    if not results:
        return False
    lanes = sorted({(each.delivery.subscription_id, each.delivery.topic, each.delivery.lane) for each in results})
    failpoints.reached("attempts.lock")
    await connection.execute(LOCK, *as_arrays(lanes, 3))
    # A separate statement: it must see deliveries that were inserted before this transaction got the lock.
    promoted = await _settle(connection, results)
    delivered = [each.delivery for each in results if each.response_class.delivered]
    recovered = sorted({delivery.subscription_id for delivery in delivered if delivery.rounds})
    if recovered:
        await connection.execute(RECOVERED, recovered)
    counts = [_counts(identity, results) for identity in sorted({lane[0] for lane in lanes})]
    log = [_log_entry(each) for each in results]
    failpoints.reached("attempts.count")
    await connection.execute(COUNT, *as_arrays(counts, 6), *as_arrays(log, 5))
    return bool(promoted or recovered)


async def _settle(connection: Connection, results: Sequence[AttemptResult]) -> int:
    """Close delivered events and postpone failed events. Returns how many other events have become due."""
    closed = {each.delivery.key for each in results if each.response_class.delivered}
    postponed = {
        each.delivery.key: (*each.delivery.key, each.retry_seconds, each.response_class.error)
        for each in results
        if each.delivery.key not in closed
    }
    parameters = *as_arrays(sorted(closed), 5), *as_arrays(list(postponed.values()), 7)
    failpoints.reached("attempts.settle")
    promoted: int = await connection.fetchval(SETTLE, *parameters)
    return promoted


def _log_entry(result: AttemptResult) -> tuple[Any, ...]:
    delivery, response_class = result.delivery, result.response_class
    return delivery.subscription_id, delivery.event_id, result.seconds, result.status, response_class.error


def _counts(subscription_id: str, results: Sequence[AttemptResult]) -> tuple[Any, ...]:
    """Parameters of `COUNT` for one subscription. A receiver that accepted any event was reachable: no pause."""
    mine = [each for each in results if each.delivery.subscription_id == subscription_id]
    failures = [each for each in mine if not each.response_class.delivered]
    sent = len(mine) - len(failures)
    pauses = [each.pause_seconds for each in failures if each.pause_seconds is not None]
    return (
        subscription_id,
        sent,
        len(failures),
        any(each.response_class.gone for each in failures),
        failures[-1].response_class.error if failures else None,
        max(pauses) if pauses and not sent else None,
    )
