"""SQL of the attempt log."""

from typing import Any, Final

from samenspel.runtime.postgres import Pool

ATTEMPTS: Final = """
select event_id, attempted_at, seconds, status, error from attempt
where subscription_id = $1 order by number desc limit $2
"""


DELETE_OLD: Final = "delete from attempt where attempted_at < now() - make_interval(days => $1)"


async def attempts(pool: Pool, subscription_id: str, limit: int) -> list[Any]:
    """The latest attempts of a subscription, newest first."""
    return await pool.fetch(ATTEMPTS, subscription_id, limit)


async def delete_old(pool: Pool, days: int) -> None:
    """Delete entries of the attempt log that are older than ``days``."""
    await pool.execute(DELETE_OLD, days)
