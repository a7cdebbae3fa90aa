"""Our own aggregates, and our copy of the aggregates of others."""

from collections.abc import Container, Iterable, Mapping, Set

from samenspel.messaging.lanes import LaneName, columns
from samenspel.messaging.states import Held, Reference
from samenspel.runtime.postgres import Connection

LOAD = """
select aggregate, subject, topic, lane, value, hash, private, removed
from aggregate where (aggregate, subject) in (select * from unnest($1::text[], $2::text[]))
"""

# What lies on a lane that this transaction has locked cannot change; what lies elsewhere is held still.
SHARE = LOAD + "order by aggregate, subject for share"

SAVE = """
insert into aggregate (aggregate, subject, topic, lane, value, hash, private, removed)
select * from unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::bytea[], $6::bytea[], $7::bytea[], $8::bool[])
on conflict (aggregate, subject) do update set
  value = excluded.value, hash = excluded.hash, private = excluded.private, removed = excluded.removed
"""

SHARE_PROJECTION = """
select aggregate, subject, value, hash
from projection where (aggregate, subject) in (select * from unnest($1::text[], $2::text[])) and not stale
order by aggregate, subject for share
"""


async def load(
    connection: Connection, references: Set[Reference], locked: Container[LaneName]
) -> dict[Reference, Held]:
    """Our own aggregates as they stand now; to be called after the lane locks."""
    if not references:
        return {}
    rows = await connection.fetch(LOAD, *columns(sorted(references), 2))
    elsewhere = [row for row in rows if (row["topic"], row["lane"]) not in locked]
    if elsewhere:
        names = sorted((row["aggregate"], row["subject"]) for row in elsewhere)
        rows = [row for row in rows if (row["topic"], row["lane"]) in locked]
        rows += await connection.fetch(SHARE, *columns(names, 2))
    return {
        (row["aggregate"], row["subject"]): Held(
            row["value"], int.from_bytes(row["hash"], "big"), row["private"], row["removed"]
        )
        for row in rows
    }


async def save(connection: Connection, changed: Mapping[Reference, Held], at: Mapping[Reference, LaneName]) -> None:
    rows = [
        (*reference, *at[reference], held.value, held.hash.to_bytes(32, "big"), held.private, held.removed)
        for reference, held in sorted(changed.items())
    ]
    if rows:
        await connection.execute(SAVE, *columns(rows, 8))


async def share_projection(connection: Connection, references: Iterable[Reference]) -> dict[Reference, Held]:
    """Others' aggregates, locked against change until commit."""
    wanted = sorted(set(references))
    if not wanted:
        return {}
    rows = await connection.fetch(SHARE_PROJECTION, *columns(wanted, 2))
    return {
        (row["aggregate"], row["subject"]): Held(row["value"], int.from_bytes(row["hash"], "big")) for row in rows
    }
