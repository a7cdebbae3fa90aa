"""Checkpoints: a service's position on each lane of other services."""

from collections.abc import Iterable
from typing import Any

from samenspel.contracts.sequencing import Position
from samenspel.contracts.topics import LaneId
from samenspel.runtime import failpoints
from samenspel.runtime.bulk_parameters import as_arrays
from samenspel.runtime.postgres import Connection

CREATE = "insert into checkpoint (topic, lane) values ($1, $2) on conflict do nothing"
LOAD = "select timeline, sequence, digest, last_offset from checkpoint where (topic, lane) = ($1, $2)"
LOCK = """
select topic, lane, timeline, sequence, digest, last_offset from checkpoint
where (topic, lane) in (select * from unnest($1::text[], $2::int[])) order by topic, lane for update
"""
SAVE = """
update checkpoint p set timeline = x.timeline, sequence = x.sequence, digest = x.digest, last_offset = x.last_offset,
  diverged_at = case when p.timeline = x.timeline then coalesce(p.diverged_at, x.diverged_at)
                     else x.diverged_at end
from unnest($1::text[], $2::int[], $3::int[], $4::bigint[], $5::bytea[], $6::bigint[], $7::bigint[])
  as x (topic, lane, timeline, sequence, digest, last_offset, diverged_at)
where (p.topic, p.lane) = (x.topic, x.lane)
"""


def _position(row: Any) -> Position:
    return Position(row["timeline"], row["sequence"], int.from_bytes(row["digest"], "big"), row["last_offset"])


async def load(connection: Connection, name: LaneId) -> Position:
    """Load the checkpoint of a lane. The first call for a lane inserts a checkpoint at the lane's beginning."""
    failpoints.reached("checkpoints.create")
    await connection.execute(CREATE, *name)
    failpoints.reached("checkpoints.load")
    return _position(await connection.fetchrow(LOAD, *name))


async def lock(connection: Connection, names: Iterable[LaneId]) -> dict[LaneId, Position]:
    """Lock and load these checkpoints until commit, sorted by topic and lane to prevent deadlocks."""
    failpoints.reached("checkpoints.lock")
    rows = await connection.fetch(LOCK, *as_arrays(sorted(names), 2))
    return {(row["topic"], row["lane"]): _position(row) for row in rows}


async def save(connection: Connection, positions: dict[LaneId, Position], diverged: dict[LaneId, int]) -> None:
    """Save checkpoints. ``diverged`` has, by lane, the first sequence with a digest unlike the owner's digest."""
    rows = [
        (
            *name,
            position.timeline,
            position.sequence,
            position.digest.to_bytes(32, "big"),
            position.last_offset,
            diverged.get(name),
        )
        for name, position in sorted(positions.items())
    ]
    failpoints.reached("checkpoints.save")
    await connection.execute(SAVE, *as_arrays(rows, 7))
