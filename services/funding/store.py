"""SQL of funding: the budgets with the ceiling check, the index of applications, and the reads of the HTTP API."""

from collections import Counter
from collections.abc import Mapping, Set
from typing import Any, cast

from samenspel.runtime import failpoints
from samenspel.runtime.bulk_parameters import as_arrays
from samenspel.runtime.postgres import Connection, Pool

GRANTED = "select programme_id, granted_cents from budget where programme_id = any($1::text[])"

# The projection is read without a lock: a registered initiative stays registered.
REGISTERED = """
select distinct p.subject from aggregate a
join projection p on (p.aggregate, p.subject)
  = ('initiative.v1', convert_from(a.private, 'UTF8')::json ->> 'initiative_id') and not p.stale
where a.aggregate = 'application.v1' and a.subject = any($1::text[]) and a.private is not null
"""

OPEN = """
insert into budget (programme_id, ceiling_cents) select * from unnest($1::text[], $2::bigint[])
"""

COMMIT_GRANTS = """
update budget b set granted_cents = b.granted_cents + x.cents
from unnest($1::text[], $2::bigint[]) as x (programme_id, cents)
where b.programme_id = x.programme_id and b.granted_cents + x.cents <= b.ceiling_cents
"""

INDEX = """
insert into application_index (application_id, programme_id) select * from unnest($1::text[], $2::text[])
"""

PAGE_MAX = 100
# The limit of a page is written out: PostgreSQL expects a limit that is a parameter to be a tenth of the table.
# `offset 0` makes PostgreSQL look up each programme of the page, and no others.
PAGE_OF_PROGRAMMES = """
select value, granted_cents, left_cents from (
  select b.programme_id, a.value, b.granted_cents, b.ceiling_cents - b.granted_cents as left_cents from budget b
  cross join lateral (
    select value from aggregate where (aggregate, subject) = ('programme.v1', b.programme_id) offset 0) a
  where b.programme_id > $1 order by b.programme_id limit {rows}) page
order by programme_id limit $2
""".replace("{rows}", str(PAGE_MAX))
ONE_PROGRAMME = """
select a.value, b.granted_cents, b.ceiling_cents - b.granted_cents as left_cents
from budget b join aggregate a on (a.aggregate, a.subject) = ('programme.v1', b.programme_id)
where b.programme_id = $1
"""

APPLICATIONS = """
select value from (
  select i.application_id, a.value from application_index i
  cross join lateral (
    select value from aggregate where (aggregate, subject) = ('application.v1', i.application_id) offset 0) a
  where i.programme_id = $1 and i.application_id > $2 order by i.application_id limit {rows}) page
order by application_id limit $3
""".replace("{rows}", str(PAGE_MAX))
APPLICATION = "select value from aggregate where (aggregate, subject) = ('application.v1', $1)"


class CeilingExceeded(Exception):
    """The database refused a grant above the ceiling: decision and database disagree on the available amount."""


async def granted(connection: Connection, programmes: Set[str]) -> dict[str, int]:
    """Euro cents granted so far per programme. Call after locking the lanes."""
    if not programmes:
        return {}
    failpoints.reached("funding.granted")
    rows = await connection.fetch(GRANTED, sorted(programmes))
    return {row["programme_id"]: row["granted_cents"] for row in rows}


async def registered_initiatives(connection: Connection, applications: Set[str]) -> set[str]:
    """The registered initiatives among those that these undecided applications name. Call after locking the lanes."""
    if not applications:
        return set()
    failpoints.reached("funding.registered-initiatives")
    return {row["subject"] for row in await connection.fetch(REGISTERED, sorted(applications))}


async def open_budgets(connection: Connection, ceilings: Mapping[str, int]) -> None:
    if ceilings:
        failpoints.reached("funding.open-budgets")
        await connection.execute(OPEN, *as_arrays(sorted(ceilings.items()), 2))


async def commit_grants(connection: Connection, amounts: Counter[str]) -> None:
    """Add ``amounts`` (euro cents) to the granted totals. Raises `CeilingExceeded`, which ends the transaction."""
    if not amounts:
        return
    failpoints.reached("funding.commit-grants")
    done = await connection.execute(COMMIT_GRANTS, *as_arrays(sorted(amounts.items()), 2))
    if done != f"UPDATE {len(amounts)}":
        raise CeilingExceeded(f"{done} instead of {len(amounts)} budgets")


async def index_applications(connection: Connection, programme_of: Mapping[str, str]) -> None:
    if programme_of:
        failpoints.reached("funding.index-applications")
        await connection.execute(INDEX, *as_arrays(sorted(programme_of.items()), 2))


async def programmes(pool: Pool, after: str, limit: int) -> list[Mapping[str, Any]]:
    """Rows of ``value``, ``granted_cents`` and ``left_cents``."""
    return list(await pool.fetch(PAGE_OF_PROGRAMMES, after, limit))


async def programme(pool: Pool, programme_id: str) -> Mapping[str, Any] | None:
    return cast(Mapping[str, Any] | None, await pool.fetchrow(ONE_PROGRAMME, programme_id))


async def applications(pool: Pool, programme_id: str, after: str, limit: int) -> list[bytes]:
    return [row["value"] for row in await pool.fetch(APPLICATIONS, programme_id, after, limit)]


async def application(pool: Pool, application_id: str) -> bytes | None:
    return cast(bytes | None, await pool.fetchval(APPLICATION, application_id))
