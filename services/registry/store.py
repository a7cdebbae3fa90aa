"""SQL of the registry: the index of initiatives, and the reads of the HTTP API."""

from collections.abc import Sequence
from typing import cast

from samenspel.contracts.catalogue import INITIATIVE
from samenspel.contracts.initiatives import Initiative
from samenspel.messaging import AggregateChange
from samenspel.runtime import failpoints
from samenspel.runtime.bulk_parameters import as_joined_texts
from samenspel.runtime.postgres import Connection, Pool

INDEX = """
insert into initiative_index (initiative_id, lead, theme, phase)
select * from unnest(string_to_array($1, chr(30)), string_to_array($2, chr(30)), string_to_array($3, chr(30)),
                     string_to_array($4, chr(30)))
on conflict (initiative_id) do update set lead = excluded.lead, theme = excluded.theme, phase = excluded.phase
where (initiative_index.lead, initiative_index.theme, initiative_index.phase)
   is distinct from (excluded.lead, excluded.theme, excluded.phase)
"""

PAGE_MAX = 100


def _page(condition: str = "") -> str:
    """A page of initiatives: after id $1, at most $2.

    `limit 100` is written out: PostgreSQL expects a limit that is a parameter to be a tenth of the table, and would
    sort the table. `offset 0` makes PostgreSQL look up each initiative of the page, and no others.
    """
    return """
select value from (
  select i.initiative_id, a.value from initiative_index i
  cross join lateral (
    select value from aggregate
    where (aggregate, subject) = ('initiative.v1', i.initiative_id) and not removed offset 0) a
  where i.initiative_id > $1 {condition}
  order by i.initiative_id limit {rows}) page
order by initiative_id limit $2
""".replace("{condition}", condition).replace("{rows}", str(PAGE_MAX))


# Each combination of filters has a statement, and an index that has the initiatives of a page next to each other.
# Initiatives of a lead are few: the other filters are applied to all of these.
INITIATIVES = _page()
INITIATIVES_OF_THEME = _page("and i.theme = $3")
INITIATIVES_OF_PHASE = _page("and i.phase = $3")
INITIATIVES_OF_THEME_AND_PHASE = _page("and i.theme = $3 and i.phase = $4")
INITIATIVES_OF_LEAD = _page(
    "and i.lead = $3 and ($4::text is null or i.theme = $4) and ($5::text is null or i.phase = $5)"
)

ORGANISATIONS = """
select value from aggregate
where aggregate = 'organisation.v1' and subject > $1 and not removed order by subject limit $2
"""

AGGREGATE = "select value from aggregate where (aggregate, subject) = ($1, $2) and not removed"


async def index_initiatives(connection: Connection, changes: Sequence[AggregateChange]) -> None:
    latest = {
        change.subject: cast(Initiative, change.state)
        for change in changes
        if change.event_type.aggregate is INITIATIVE
    }
    rows = [(subject, state.lead, state.theme, state.phase) for subject, state in sorted(latest.items())]
    if rows:
        failpoints.reached("registry.index-initiatives")
        await connection.execute(INDEX, *as_joined_texts(rows, 4))


async def initiatives(
    pool: Pool, after: str, theme: str | None, phase: str | None, lead: str | None, limit: int
) -> list[bytes]:
    """At most `PAGE_MAX` initiatives by id, after the id ``after``."""
    statement, values = _filtered(theme, phase, lead)
    return [row["value"] for row in await pool.fetch(statement, after, limit, *values)]


def _filtered(theme: str | None, phase: str | None, lead: str | None) -> tuple[str, tuple[str | None, ...]]:
    """The statement for these filters, and the values of the filters."""
    if lead is not None:
        return INITIATIVES_OF_LEAD, (lead, theme, phase)
    if theme is not None and phase is not None:
        return INITIATIVES_OF_THEME_AND_PHASE, (theme, phase)
    if theme is not None:
        return INITIATIVES_OF_THEME, (theme,)
    return (INITIATIVES, ()) if phase is None else (INITIATIVES_OF_PHASE, (phase,))


async def organisations(pool: Pool, after: str, limit: int) -> list[bytes]:
    return [row["value"] for row in await pool.fetch(ORGANISATIONS, after, limit)]


async def aggregate(pool: Pool, name: str, subject: str) -> bytes | None:
    return cast(bytes | None, await pool.fetchval(AGGREGATE, name, subject))
