"""SQL of webhook endpoints: address, encrypted secret, and replaced secrets until their end."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from samenspel.runtime import failpoints
from samenspel.runtime.bulk_parameters import as_arrays
from samenspel.runtime.limits import WAITING_ENDPOINTS, LimitReached
from samenspel.runtime.postgres import Connection, Pool

EndpointKey = tuple[str, str]
"""Organisation and subscription."""

ROTATION_HOURS: Final = 24
"""Hours for which a replaced secret also signs."""
REPLACED_SECRETS_MAX: Final = 4
"""Replaced secrets of a subscription that sign at the same time."""
INSERT: Final = """
insert into endpoint (organisation, subscription_id, url, secret)
select $1, $2, $3, $4 where not exists (select from subscription where subscription_id = $2 and not active)
on conflict do nothing
"""
WAITING_MAX: Final = WAITING_ENDPOINTS.default
"""Endpoints of one organisation without a subscription: stored before the submission, and left by failed requests."""
WAITING_SECONDS: Final = 3_600.0
COUNT_WAITING: Final = """
select count(*) from endpoint e where e.organisation = $1 and e.subscription_id <> $2
  and not exists (select from subscription s where s.subscription_id = e.subscription_id)
"""
LOCK: Final = "select secret from endpoint where (organisation, subscription_id) = ($1, $2) for update"
COUNT_REPLACED: Final = """
select count(*) as number, min(ends_at) as next_end from replaced_secret
where (organisation, subscription_id) = ($1, $2) and ends_at > now()
"""
# The columns of `endpoint` are read and written for an instance of the version before.
KEEP_REPLACED: Final = """
insert into replaced_secret (organisation, subscription_id, secret, ends_at)
select organisation, subscription_id, secret, now() + make_interval(hours => $3) from endpoint
where (organisation, subscription_id) = ($1, $2)
union
select organisation, subscription_id, old_secret, rotated_at + make_interval(hours => $3) from endpoint
where (organisation, subscription_id) = ($1, $2) and old_secret is not null
on conflict do nothing
"""
ROTATE: Final = """
update endpoint set secret = $3, old_secret = secret, rotated_at = clock_timestamp()
where (organisation, subscription_id) = ($1, $2)
"""
DELETE_ENDED: Final = "delete from replaced_secret where ends_at < now()"
ENDPOINTS: Final = """
select organisation, subscription_id, url from endpoint
where (organisation, subscription_id) in (select * from unnest($1::text[], $2::text[]))
"""
DELETE_REFUSED: Final = """
delete from endpoint where (organisation, subscription_id) = ($1, $2)
  and not exists (select from subscription s where (s.organisation, s.subscription_id) = ($1, $2))
"""
DELETE_UNUSED: Final = """
delete from endpoint e where made_at < now() - make_interval(days => $1)
  and not exists (select from subscription s
                  where (s.organisation, s.subscription_id) = (e.organisation, e.subscription_id))
"""


async def insert(pool: Pool, organisation: str, subscription_id: str, url: str, encrypted_secret: str) -> None:
    """Store the endpoint of a subscription; a cancelled subscription gets none again. Raises `LimitReached`."""
    if await pool.fetchval(COUNT_WAITING, organisation, subscription_id) >= WAITING_MAX:
        raise LimitReached(WAITING_ENDPOINTS, organisation, WAITING_MAX, WAITING_SECONDS)
    await pool.execute(INSERT, organisation, subscription_id, url, encrypted_secret)


class SecretLimitReached(Exception):
    """So many replaced secrets still sign that no other secret can be replaced now."""


async def rotate(connection: Connection, organisation: str, subscription_id: str, encrypted_secret: str) -> None:
    """Replace the secret; the replaced secret also signs for `ROTATION_HOURS`. Raises `SecretLimitReached`.

    Requires a transaction.
    """
    endpoint = organisation, subscription_id
    await connection.execute(LOCK, *endpoint)
    replaced: Any = await connection.fetchrow(COUNT_REPLACED, *endpoint)
    if replaced["number"] >= REPLACED_SECRETS_MAX:
        raise SecretLimitReached(
            f"{replaced['number']} replaced secrets still sign; the first one ends at {replaced['next_end']:%FT%TZ}"
        )
    await connection.execute(KEEP_REPLACED, *endpoint, ROTATION_HOURS)
    await connection.execute(ROTATE, *endpoint, encrypted_secret)


async def existing(connection: Connection, keys: Sequence[EndpointKey]) -> Mapping[EndpointKey, str]:
    """The addresses of those ``keys`` that have an endpoint."""
    failpoints.reached("notifier.endpoints")
    rows = await connection.fetch(ENDPOINTS, *as_arrays(keys, 2))
    return {(row["organisation"], row["subscription_id"]): row["url"] for row in rows}


async def delete_refused(pool: Pool, organisation: str, subscription_id: str) -> None:
    """Delete the endpoint of a refused subscription; an accepted subscription with this id keeps the endpoint."""
    await pool.execute(DELETE_REFUSED, organisation, subscription_id)


async def delete_ended_secrets(pool: Pool) -> None:
    """Delete replaced secrets that no longer sign."""
    await pool.execute(DELETE_ENDED)


async def delete_unused(pool: Pool, days: int) -> None:
    """Delete endpoints older than ``days`` whose subscription was never accepted."""
    await pool.execute(DELETE_UNUSED, days)
