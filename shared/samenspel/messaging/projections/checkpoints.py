"""Checkpoints: a service's position on each lane of other services."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from samenspel.contracts.sequencing import Position
from samenspel.contracts.topics import LaneId
from samenspel.messaging.projections.batch import Divergence
from samenspel.runtime import failpoints
from samenspel.runtime.bulk_parameters import as_arrays
from samenspel.runtime.postgres import Connection, Pool

UNKNOWN_REASON: Final = "digest differs from the owner's"
CREATE = """
insert into checkpoint (topic, lane) select * from unnest($1::text[], $2::int[]) on conflict do nothing
"""
LOAD = """
select topic, lane, timeline, sequence, digest, last_offset, identity from checkpoint
where (topic, lane) in (select * from unnest($1::text[], $2::int[]))
"""
LOCK = """
select topic, lane, timeline, sequence, digest, last_offset, diverged_at, divergence, identity,
  read_offset, read_appended_at
from checkpoint
where (topic, lane) in (select * from unnest($1::text[], $2::int[])) order by topic, lane for update
"""
ADOPT = "update checkpoint set identity = $3 where (topic, lane) = ($1, $2) and identity is null"
DIVERGED = "select topic, lane, diverged_at, divergence from checkpoint where diverged_at is not null"
SAVE = """
update checkpoint p set timeline = x.timeline, sequence = x.sequence, digest = x.digest, last_offset = x.last_offset,
  diverged_at = x.diverged_at, divergence = x.divergence, identity = coalesce(p.identity, x.identity),
  read_offset = x.read_offset, read_appended_at = x.read_appended_at
from unnest($1::text[], $2::int[], $3::int[], $4::bigint[], $5::bytea[], $6::bigint[], $7::bigint[], $8::text[],
            $9::text[], $10::bigint[], $11::bigint[])
  as x (topic, lane, timeline, sequence, digest, last_offset, diverged_at, divergence, identity, read_offset,
        read_appended_at)
where (p.topic, p.lane) = (x.topic, x.lane)
"""
BEGIN_READING: Final = """
update checkpoint p set read_offset = x.read_offset,
  read_appended_at = case when p.read_offset = x.read_offset then p.read_appended_at end
from unnest($1::text[], $2::int[], $3::bigint[]) as x (topic, lane, read_offset)
where (p.topic, p.lane) = (x.topic, x.lane) and p.read_offset is distinct from x.read_offset
"""


class ReadPosition(NamedTuple):
    """Offset of the next record to read, and Kafka's time of the record before in milliseconds; None if not read."""

    offset: int
    appended_at: int | None


@dataclass(slots=True)
class Reading:
    """How far each lane needs no second reading.

    A lane without an end has a record that does not fit: the lane is read again from its last applied event, until
    another event is applied.
    """

    ends: dict[LaneId, ReadPosition] = field(default_factory=dict)
    changed: bool = False

    def see(self, name: LaneId, record: ReadPosition, *, applied: bool, fits: bool) -> None:
        """Take note of a record; ``record`` is the end after the record. Records of a missing end never count."""
        end = self.ends.get(name)
        if applied:
            self.ends[name] = record
        elif end is None or record.offset <= end.offset:
            return
        elif fits and record.offset == end.offset + 1:
            self.ends[name] = record
        else:
            del self.ends[name]
        self.changed = True


class Locked(NamedTuple):
    """Locked checkpoints by lane: positions, the lanes that diverged, the known identities, and ends of reading."""

    positions: dict[LaneId, Position]
    diverged: dict[LaneId, Divergence]
    identities: dict[LaneId, str]
    reading: Reading


def _position(row: Any) -> Position:
    return Position(row["timeline"], row["sequence"], int.from_bytes(row["digest"], "big"), row["last_offset"])


async def load(connection: Connection, names: Iterable[LaneId]) -> dict[LaneId, tuple[Position, str | None]]:
    """Load position and identity of lanes. The first call for a lane inserts a checkpoint at the lane's beginning.

    The identity is None for a lane without events, and for a checkpoint of a version before lane identities.
    """
    topics_and_lanes = as_arrays(sorted(names), 2)
    failpoints.reached("checkpoints.create")
    await connection.execute(CREATE, *topics_and_lanes)
    failpoints.reached("checkpoints.load")
    rows = await connection.fetch(LOAD, *topics_and_lanes)
    return {(row["topic"], row["lane"]): (_position(row), row["identity"]) for row in rows}


async def adopt(connection: Connection | Pool, name: LaneId, identity: str) -> None:
    """Store the identity of a lane whose checkpoint has none. One statement: repeating it changes nothing."""
    await connection.execute(ADOPT, *name, identity)


def _divergences(rows: Iterable[Any]) -> dict[LaneId, Divergence]:
    return {
        (row["topic"], row["lane"]): Divergence(row["diverged_at"], row["divergence"] or UNKNOWN_REASON)
        for row in rows
        if row["diverged_at"] is not None
    }


async def lock(connection: Connection, names: Iterable[LaneId]) -> Locked:
    """Lock and load these checkpoints until commit, sorted by topic and lane to prevent deadlocks."""
    failpoints.reached("checkpoints.lock")
    rows = await connection.fetch(LOCK, *as_arrays(sorted(names), 2))
    positions = {(row["topic"], row["lane"]): _position(row) for row in rows}
    identities = {(row["topic"], row["lane"]): row["identity"] for row in rows if row["identity"]}
    ends = {
        (row["topic"], row["lane"]): ReadPosition(row["read_offset"], row["read_appended_at"])
        for row in rows
        if row["read_offset"] is not None
    }
    return Locked(positions, _divergences(rows), identities, Reading(ends))


async def begin_reading(connection: Connection | Pool, offsets: Mapping[LaneId, int]) -> None:
    """Store the offsets from which lanes are read on: the records before need no second reading."""
    failpoints.reached("checkpoints.begin-reading")
    await connection.execute(BEGIN_READING, *as_arrays([(*name, offsets[name]) for name in sorted(offsets)], 3))


async def diverged(connection: Connection | Pool) -> dict[LaneId, Divergence]:
    """The diverged lanes, of all instances of the service."""
    failpoints.reached("checkpoints.diverged")
    return _divergences(await connection.fetch(DIVERGED))


async def save(
    connection: Connection,
    positions: Mapping[LaneId, Position],
    diverged: Mapping[LaneId, Divergence],
    identities: Mapping[LaneId, str],
    reading: Reading,
) -> None:
    """Save checkpoints. ``diverged`` has, by lane, the first event that does not fit. A stored identity stays."""
    rows = [
        (
            *name,
            position.timeline,
            position.sequence,
            position.digest.to_bytes(32, "big"),
            position.last_offset,
            *diverged.get(name, (None, None)),
            identities.get(name),
            *reading.ends.get(name, (None, None)),
        )
        for name, position in sorted(positions.items())
    ]
    failpoints.reached("checkpoints.save")
    await connection.execute(SAVE, *as_arrays(rows, 11))
