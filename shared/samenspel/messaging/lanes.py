"""Lanes: the one place where sequence and digest advance, and where the journal is written.

A lane's row stays locked until commit, so journal order is commit order, without gaps: the journal *is* the outbox.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from samenspel.contracts.digest import replaced
from samenspel.messaging import points
from samenspel.messaging.errors import DoorsClosed, LaneMissing
from samenspel.runtime.columns import columns, joined
from samenspel.runtime.postgres import Connection

LaneName = tuple[str, int]
"""A topic and a partition of it."""


@dataclass(slots=True)
class Lane:
    """A locked lane: where it stands, and the rows that this transaction will add to it."""

    topic: str
    lane: int
    timeline: int
    sequence: int
    digest: int
    rows: list[tuple[str, bytes, bytes]] = field(default_factory=list)
    has_moved: bool = False
    """Whether it stands elsewhere than its row says."""

    @property
    def name(self) -> str:
        return f"{self.topic}/{self.lane}"

    def advance(self, old_hash: int, new_hash: int) -> None:
        self.sequence += 1
        self.digest = replaced(self.digest, old_hash, new_hash)

    def journal(self, key: str, headers: bytes, value: bytes) -> None:
        self.rows.append((key, headers, value))
        self.has_moved = True


@dataclass(frozen=True, slots=True)
class Entries:
    """Rows of the journal, lane after lane, and the place of each lane's among them, as `JOURNAL` wants it."""

    places: Sequence[tuple[str, int, int, int, int, int]]
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

ADVANCE = """
update lane l set sequence = x.sequence, digest = x.digest
from unnest($1::text[], $2::int[], $3::bigint[], $4::bytea[]) as x (topic, lane, sequence, digest)
where (l.topic, l.lane) = (x.topic, x.lane)
"""

# All rows of all lanes in one statement; each lane says which of them are its own, by number, and how far they shift.
JOURNAL = """
insert into journal (topic, lane, timeline, sequence, key, headers, value)
select l.topic, l.lane, l.timeline, x.number + l.shift, x.key,
       convert_to(x.headers, 'UTF8'), convert_to(x.value, 'UTF8')
from unnest($1::text[], $2::int[], $3::int[], $4::bigint[], $5::bigint[], $6::bigint[])
  as l (topic, lane, timeline, shift, after, upto)
join unnest(string_to_array($7, chr(30)), string_to_array($8, chr(30)), string_to_array($9, chr(30)))
  with ordinality as x (key, headers, value, number)
  on x.number > l.after and x.number <= l.upto
"""


async def ensure(connection: Connection, names: Iterable[LaneName]) -> None:
    """Make the rows of lanes that have none; a new lane's door opens when it has been compared."""
    topics, lanes = columns(sorted(names), 2)
    points.reached("lanes.ensure")
    await connection.execute(ENSURE, topics, lanes)


async def lock(connection: Connection, names: set[LaneName]) -> dict[LaneName, Lane]:
    """Lock these lanes, in the one order, until commit.

    Raises `LaneMissing` or `DoorsClosed`: then nothing may be published, and the transaction ends.
    """
    points.reached("lanes.lock")
    rows = await connection.fetch(LOCK, *columns(sorted(names), 2))
    if len(rows) != len(names):
        found = {(row["topic"], row["lane"]) for row in rows}
        raise LaneMissing(", ".join(f"{topic}/{lane}" for topic, lane in sorted(names - found)))
    if shut := [f"{row['topic']}/{row['lane']}" for row in rows if not row["open"]]:
        raise DoorsClosed(f"not yet compared with Kafka: {', '.join(shut[:5])}")
    return {
        (row["topic"], row["lane"]): Lane(
            row["topic"], row["lane"], row["timeline"], row["sequence"], int.from_bytes(row["digest"], "big")
        )
        for row in rows
    }


async def save(connection: Connection, lanes: Sequence[Lane]) -> None:
    """Write what the lanes have become, and their journal."""
    await advance(connection, lanes)
    await journal(connection, taken(lanes))


async def advance(connection: Connection, lanes: Iterable[Lane]) -> None:
    """Write where the lanes stand."""
    moved = [lane for lane in lanes if lane.has_moved]
    if moved:
        standing = [(lane.topic, lane.lane, lane.sequence, lane.digest.to_bytes(32, "big")) for lane in moved]
        points.reached("lanes.advance")
        await connection.execute(ADVANCE, *columns(standing, 4))


async def journal(connection: Connection, entries: Entries) -> None:
    """Write rows of the journal: numbered already, and published once this transaction has committed."""
    if entries.rows:
        points.reached("lanes.journal")
        await connection.execute(JOURNAL, *columns(entries.places, 6), *joined(entries.rows, 3))


def taken(lanes: Iterable[Lane]) -> Entries:
    """What the lanes have for the journal; they have it no more."""
    places, rows = [], list[tuple[str, bytes, bytes]]()
    for lane in lanes:
        after = len(rows)
        rows += lane.rows
        lane.rows = []
        if len(rows) > after:
            places.append((lane.topic, lane.lane, lane.timeline, lane.sequence - len(rows), after, len(rows)))
    return Entries(places, rows)
