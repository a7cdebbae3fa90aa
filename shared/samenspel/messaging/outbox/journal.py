"""Lanes: the one place where sequence and digest advance, and where the journal is written.

A lane's row stays locked until commit, so journal order is commit order, without gaps: the journal *is* the outbox.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from samenspel.contracts.digest import replaced
from samenspel.contracts.topics import LaneId
from samenspel.messaging.errors import LaneNotFound, LaneNotReconciled
from samenspel.runtime import failpoints
from samenspel.runtime.bulk_parameters import as_arrays, as_joined_texts
from samenspel.runtime.postgres import Connection


@dataclass(slots=True)
class Lane:
    """A locked lane: where it stands, and the rows that this transaction will add to it."""

    topic: str
    lane: int
    timeline: int
    sequence: int
    digest: int
    rows: list[tuple[str, bytes, bytes]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.topic}/{self.lane}"

    def advance(self, old_hash: int, new_hash: int) -> None:
        self.sequence += 1
        self.digest = replaced(self.digest, old_hash, new_hash)

    def append(self, key: str, headers: bytes, value: bytes) -> None:
        self.rows.append((key, headers, value))


@dataclass(frozen=True, slots=True)
class JournalBatch:
    """Rows of the journal, lane after lane; where each lane stands after them, and its place among them."""

    ranges: Sequence[tuple[str, int, int, int, bytes, int, int]]
    rows: Sequence[tuple[str, bytes, bytes]]


ENSURE = """
with made as (
  insert into lane (topic, lane) select * from unnest($1::text[], $2::int[]) on conflict do nothing
  returning topic, lane)
insert into published (topic, lane) select topic, lane from made
"""

LOCK = """
select topic, lane, timeline, sequence, digest, compared = incarnation() as open
from lane where (topic, lane) in (select * from unnest($1::text[], $2::int[]))
order by topic, lane for update
"""

# All rows of all lanes in one statement, which also says where the lanes stand now: each lane says which of the rows
# are its own, by number, and the last of them has its sequence.
WRITE = """
with l as (
  select * from unnest($1::text[], $2::int[], $3::int[], $4::bigint[], $5::bytea[], $6::bigint[], $7::bigint[])
    as l (topic, lane, timeline, sequence, digest, after, upto)),
advanced as (
  update lane set sequence = l.sequence, digest = l.digest from l where (lane.topic, lane.lane) = (l.topic, l.lane))
insert into journal (topic, lane, timeline, sequence, key, headers, value)
select l.topic, l.lane, l.timeline, l.sequence - l.upto + x.number, x.key,
       convert_to(x.headers, 'UTF8'), convert_to(x.value, 'UTF8')
from l
join unnest(string_to_array($8, chr(30)), string_to_array($9, chr(30)), string_to_array($10, chr(30)))
  with ordinality as x (key, headers, value, number)
  on x.number > l.after and x.number <= l.upto
"""


async def ensure(connection: Connection, names: Iterable[LaneId]) -> None:
    """Make the rows of lanes that have none; a new lane's door opens when it has been compared."""
    topics, lanes = as_arrays(sorted(names), 2)
    failpoints.reached("lanes.ensure")
    await connection.execute(ENSURE, topics, lanes)


async def lock(connection: Connection, names: set[LaneId]) -> dict[LaneId, Lane]:
    """Lock these lanes, in the one order, until commit.

    Raises `LaneMissing` or `DoorsClosed`: then nothing may be published, and the transaction ends.
    """
    failpoints.reached("lanes.lock")
    rows = await connection.fetch(LOCK, *as_arrays(sorted(names), 2))
    if len(rows) != len(names):
        found = {(row["topic"], row["lane"]) for row in rows}
        raise LaneNotFound(", ".join(f"{topic}/{lane}" for topic, lane in sorted(names - found)))
    if shut := [f"{row['topic']}/{row['lane']}" for row in rows if not row["open"]]:
        raise LaneNotReconciled(f"not yet compared with Kafka: {', '.join(shut[:5])}")
    return {
        (row["topic"], row["lane"]): Lane(
            row["topic"], row["lane"], row["timeline"], row["sequence"], int.from_bytes(row["digest"], "big")
        )
        for row in rows
    }


async def write(connection: Connection, entries: JournalBatch) -> None:
    """Write rows of the journal, and where that brings their lanes; they are published once this has committed."""
    if entries.rows:
        failpoints.reached("lanes.journal")
        await connection.execute(WRITE, *as_arrays(entries.ranges, 7), *as_joined_texts(entries.rows, 3))


def drain(lanes: Iterable[Lane]) -> JournalBatch:
    """What the lanes have for the journal; they have it no more."""
    places, rows = [], list[tuple[str, bytes, bytes]]()
    for lane in lanes:
        if lane.rows:
            after = len(rows)
            rows += lane.rows
            lane.rows = []
            digest = lane.digest.to_bytes(32, "big")
            places.append((lane.topic, lane.lane, lane.timeline, lane.sequence, digest, after, len(rows)))
    return JournalBatch(places, rows)
