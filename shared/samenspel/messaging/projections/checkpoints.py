"""Where a service stands on the lanes of others."""

from collections.abc import Iterable
from typing import Any

from samenspel.contracts.sequencing import Position
from samenspel.contracts.topics import LaneName
from samenspel.runtime import failpoints
from samenspel.runtime.bulk_parameters import columns
from samenspel.runtime.postgres import Connection

MAKE = "insert into position (topic, lane) values ($1, $2) on conflict do nothing"
FIND = "select timeline, sequence, digest, last_offset from position where (topic, lane) = ($1, $2)"
LOCK = """
select topic, lane, timeline, sequence, digest, last_offset from position
where (topic, lane) in (select * from unnest($1::text[], $2::int[])) order by topic, lane for update
"""
MOVE = """
update position p set timeline = x.timeline, sequence = x.sequence, digest = x.digest, last_offset = x.last_offset,
  diverged_at = case when p.timeline = x.timeline then coalesce(p.diverged_at, x.diverged_at)
                     else x.diverged_at end
from unnest($1::text[], $2::int[], $3::int[], $4::bigint[], $5::bytea[], $6::bigint[], $7::bigint[])
  as x (topic, lane, timeline, sequence, digest, last_offset, diverged_at)
where (p.topic, p.lane) = (x.topic, x.lane)
"""


def _position(row: Any) -> Position:
    return Position(row["timeline"], row["sequence"], int.from_bytes(row["digest"], "big"), row["last_offset"])


async def find(connection: Connection, name: LaneName) -> Position:
    failpoints.reached("positions.make")
    await connection.execute(MAKE, *name)
    failpoints.reached("positions.find")
    return _position(await connection.fetchrow(FIND, *name))


async def lock(connection: Connection, names: Iterable[LaneName]) -> dict[LaneName, Position]:
    failpoints.reached("positions.lock")
    rows = await connection.fetch(LOCK, *columns(sorted(names), 2))
    return {(row["topic"], row["lane"]): _position(row) for row in rows}


async def move(connection: Connection, positions: dict[LaneName, Position], diverged: dict[LaneName, int]) -> None:
    """``diverged`` names the sequence at which a lane's digest was first another than its owner's."""
    rows = [
        (
            *name,
            stands.timeline,
            stands.sequence,
            stands.digest.to_bytes(32, "big"),
            stands.last_offset,
            diverged.get(name),
        )
        for name, stands in sorted(positions.items())
    ]
    failpoints.reached("positions.move")
    await connection.execute(MOVE, *columns(rows, 7))
