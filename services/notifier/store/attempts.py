"""SQL of the attempt log."""

from typing import Any, Final

from samenspel.runtime.postgres import Pool

KEPT_MAX: Final = 1_000
"""Entries per subscription. A receiver that fails at once causes many attempts in a short time."""
ATTEMPTS: Final = """
select event_id, attempted_at, seconds, status, error from attempt
where subscription_id = $1 order by number desc limit $2
"""
DELETE_OLD: Final = "delete from attempt where attempted_at < now() - make_interval(days => $1)"
DELETE_SURPLUS: Final = """
delete from attempt a
using subscription s
cross join lateral (
  select b.number from attempt b where b.subscription_id = s.subscription_id order by b.number desc offset $1 limit 1)
  newest_surplus
where a.subscription_id = s.subscription_id and a.number <= newest_surplus.number
"""


async def attempts(pool: Pool, subscription_id: str, limit: int) -> list[Any]:
    """The latest attempts of a subscription, newest first."""
    return await pool.fetch(ATTEMPTS, subscription_id, limit)


async def delete_old(pool: Pool, days: int) -> None:
    """Delete entries that are older than ``days``, and all but the latest `KEPT_MAX` of each subscription."""
    await pool.execute(DELETE_OLD, days)
    await pool.execute(DELETE_SURPLUS, KEPT_MAX)
