"""SQL of idempotency keys: a repeated request finds the values that the first request chose."""

from typing import Any, Final, NamedTuple

from samenspel.runtime.postgres import Connection, Pool

KEYS_PER_ORGANISATION: Final = 1_000
KEY_HOURS: Final = 24
CLAIM: Final = """
insert into idempotency_key (organisation, key, request, secret)
select $1, $2, $3, $4
where exists (select from idempotency_key where (organisation, key) = ($1, $2))
   or (select count(*) from idempotency_key where organisation = $1) < $5
on conflict (organisation, key) do nothing
returning true
"""
FIND: Final = "select request, secret from idempotency_key where (organisation, key) = ($1, $2)"
ROWS_MAX: Final = 10_000
"""Keys that one statement deletes."""
DELETE_OLD: Final = """
delete from idempotency_key where ctid = any (array(
  select ctid from idempotency_key where made_at < now() - make_interval(hours => $1) limit $2))
"""


class Claim(NamedTuple):
    """The stored values of a key: hash of the first request, and the encrypted secret that was generated for it."""

    request: bytes
    secret: str | None
    is_first: bool


class KeyLimitReached(Exception):
    """The organisation has used the maximum number of idempotency keys of the last 24 hours."""


async def claim_key(
    connection: Connection | Pool, organisation: str, key: str, request: bytes, encrypted_secret: str | None
) -> Claim:
    """Store a key, or find the values of an earlier request with the key. Raises `KeyLimitReached`."""
    parameters = organisation, key, request, encrypted_secret
    if await connection.fetchval(CLAIM, *parameters, KEYS_PER_ORGANISATION):
        return Claim(request, encrypted_secret, is_first=True)
    row: Any = await connection.fetchrow(FIND, organisation, key)
    if row is None:
        raise KeyLimitReached(f"{KeyLimitReached.__doc__} The maximum is {KEYS_PER_ORGANISATION:,}.")
    return Claim(row["request"], row["secret"], is_first=False)


async def delete_old_keys(pool: Pool) -> None:
    """Delete the keys of more than `KEY_HOURS` ago."""
    while await pool.execute(DELETE_OLD, KEY_HOURS, ROWS_MAX) == f"DELETE {ROWS_MAX}":
        pass
