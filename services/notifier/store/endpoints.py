"""SQL of webhook endpoints: address and encrypted secrets."""

from collections.abc import Mapping, Sequence
from typing import Final

from samenspel.runtime import failpoints
from samenspel.runtime.bulk_parameters import as_arrays
from samenspel.runtime.postgres import Connection, Pool

EndpointKey = tuple[str, str]
"""Organisation and subscription."""

INSERT: Final = "insert into endpoint (organisation, subscription_id, url, secret) values ($1, $2, $3, $4)"

ROTATE: Final = """
update endpoint set secret = $3, old_secret = secret, rotated_at = clock_timestamp()
where (organisation, subscription_id) = ($1, $2)
"""
ENDPOINTS: Final = """
select organisation, subscription_id, url from endpoint
where (organisation, subscription_id) in (select * from unnest($1::text[], $2::text[]))
"""
DELETE: Final = "delete from endpoint where (organisation, subscription_id) = ($1, $2)"
DELETE_UNUSED: Final = """
delete from endpoint e where made_at < now() - make_interval(days => $1)
  and not exists (select from subscription s
                  where (s.organisation, s.subscription_id) = (e.organisation, e.subscription_id))
"""


async def insert(pool: Pool, organisation: str, subscription_id: str, url: str, encrypted_secret: str) -> None:
    await pool.execute(INSERT, organisation, subscription_id, url, encrypted_secret)


async def rotate(pool: Pool, organisation: str, subscription_id: str, encrypted_secret: str) -> None:
    """Replace the secret; the old secret also signs for `deliveries.queue.ROTATION_HOURS`."""
    await pool.execute(ROTATE, organisation, subscription_id, encrypted_secret)


async def existing(connection: Connection, keys: Sequence[EndpointKey]) -> Mapping[EndpointKey, str]:
    """The addresses of those ``keys`` that have an endpoint."""
    failpoints.reached("notifier.endpoints")
    rows = await connection.fetch(ENDPOINTS, *as_arrays(keys, 2))
    return {(row["organisation"], row["subscription_id"]): row["url"] for row in rows}


async def delete(pool: Pool, organisation: str, subscription_id: str) -> None:
    """Delete the endpoint of a subscription that was refused."""
    await pool.execute(DELETE, organisation, subscription_id)


async def delete_unused(pool: Pool, days: int) -> None:
    """Delete endpoints older than ``days`` whose subscription was never accepted."""
    await pool.execute(DELETE_UNUSED, days)
