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

# `a.subject > $1` looks redundant: PostgreSQL does not derive it from the join, and would read all earlier subjects.
INITIATIVES = """
select a.value from initiative_index i
join aggregate a on (a.aggregate, a.subject) = ('initiative.v1', i.initiative_id)
where i.initiative_id > $1 and a.subject > $1 and not a.removed
  and ($2::text is null or i.theme = $2) and ($3::text is null or i.phase = $3) and ($4::text is null or i.lead = $4)
order by i.initiative_id limit $5
"""

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
    return [row["value"] for row in await pool.fetch(INITIATIVES, after, theme, phase, lead, limit)]


async def organisations(pool: Pool, after: str, limit: int) -> list[bytes]:
    return [row["value"] for row in await pool.fetch(ORGANISATIONS, after, limit)]


async def aggregate(pool: Pool, name: str, subject: str) -> bytes | None:
    return cast(bytes | None, await pool.fetchval(AGGREGATE, name, subject))
