"""SQL of the attempt log."""

from typing import Any, Final

from samenspel.runtime.postgres import Pool

KEPT_MAX: Final = 1_000
"""Entries per subscription. A receiver that fails at once causes many attempts in a short time."""
ATTEMPTS: Final = """
select event_id, attempted_at, seconds, status, error from attempt
where subscription_id = $1 order by number desc limit $2
"""
ROWS_MAX: Final = 10_000
"""Entries that one statement deletes."""
SUBSCRIPTIONS_MAX: Final = 100
"""Subscriptions whose entries one statement counts."""
DELETE_OLD: Final = """
delete from attempt where ctid = any (array(
  select ctid from attempt where attempted_at < now() - make_interval(days => $1) limit $2))
"""
# `named` walks the index from subscription to subscription.
DELETE_SURPLUS: Final = """
with recursive named as (
  (select subscription_id from attempt where subscription_id > $2 order by subscription_id limit 1)
  union all
  select (select a.subscription_id from attempt a
          where a.subscription_id > n.subscription_id order by a.subscription_id limit 1)
  from named n where n.subscription_id is not null),
page as materialized (select subscription_id from named where subscription_id is not null limit $3),
deleted as (
  delete from attempt a
  using page p
  cross join lateral (
    select b.number from attempt b where b.subscription_id = p.subscription_id order by b.number desc
    offset $1 limit 1) newest_surplus
  where a.subscription_id = p.subscription_id and a.number <= newest_surplus.number)
select max(subscription_id) from page
"""


async def attempts(pool: Pool, subscription_id: str, limit: int) -> list[Any]:
    """The latest attempts of a subscription, newest first."""
    return await pool.fetch(ATTEMPTS, subscription_id, limit)


async def delete_old(pool: Pool, days: int) -> None:
    """Delete entries that are older than ``days``, and all but the latest `KEPT_MAX` of each subscription."""
    while await pool.execute(DELETE_OLD, days, ROWS_MAX) == f"DELETE {ROWS_MAX}":
        pass
    after: str | None = ""
    while after is not None:
        after = await pool.fetchval(DELETE_SURPLUS, KEPT_MAX, after, SUBSCRIPTIONS_MAX)
