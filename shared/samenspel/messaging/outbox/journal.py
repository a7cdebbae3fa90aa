"""Lanes and the journal. Only this module advances the sequence and digest of a lane and writes
the journal, except for the copy of a new timeline (`recovery.timelines`) and the removal of old receipts
(`outbox.receipt_retention`).

A lane's row stays locked until commit. Journal order therefore is commit order, without gaps: the journal *is* the
outbox.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from samenspel.contracts.digest import replaced
from samenspel.contracts.topics import RECEIPTS, Domain, LaneId, lane_label, organisation_of
from samenspel.messaging.errors import LaneNotFound, LaneNotReconciled
from samenspel.runtime import failpoints
from samenspel.runtime.bulk_parameters import as_arrays, as_joined_texts
from samenspel.runtime.postgres import Connection
from samenspel.runtime.write_together import Write, write_together


@dataclass(slots=True)
class Lane:
    """A locked lane: timeline, sequence, digest, and the rows that this transaction will add to the journal."""

    topic: str
    lane: int
    timeline: int
    sequence: int
    digest: int
    rows: list[tuple[str, bytes, bytes]] = field(default_factory=list)
    incarnation: str = ""
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = f"{self.topic}/{self.lane}"

    def advance(self, old_hash: int, new_hash: int) -> None:
        self.sequence += 1
        self.digest = replaced(self.digest, old_hash, new_hash)

    def append(self, key: str, headers: bytes, value: bytes) -> None:
        self.rows.append((key, headers, value))


@dataclass(frozen=True, slots=True)
class JournalBatch:
    """Journal rows, grouped by lane.

    ``ranges``: topic, lane, new timeline, sequence and digest, and the half-open range of the lane's ``rows``.
    ``incarnation`` is that of the database (SQL function ``incarnation``) in which the lanes are locked.
    """

    ranges: Sequence[tuple[str, int, int, int, bytes, int, int]]
    rows: Sequence[tuple[str, bytes, bytes]]
    incarnation: str = ""


ENSURE = """
with created as (
  insert into lane (topic, lane) select * from unnest($1::text[], $2::int[]) on conflict do nothing
  returning topic, lane)
insert into relay_progress (topic, lane) select topic, lane from created
"""

LOCK = """
select topic, lane, timeline, sequence, digest, reconciled, reconciled = (select incarnation()) as open
from lane where (topic, lane) in (select * from unnest($1::text[], $2::int[]))
order by topic, lane for update
"""

WITH_PREFIX = "select topic from lane where starts_with(topic, $1)"

ADVANCE = """
update lane set sequence = l.sequence, digest = l.digest
from unnest($1::text[], $2::int[], $3::bigint[], $4::bytea[]) as l (topic, lane, sequence, digest)
where (lane.topic, lane.lane) = (l.topic, l.lane)
"""

# Each lane has the row numbers above ``after``, up to ``upto``. The last row of a lane has the lane's new sequence.
APPEND = """
insert into journal (topic, lane, timeline, sequence, key, headers, value)
select l.topic, l.lane, l.timeline, l.sequence - l.upto + x.number, x.key,
       convert_to(x.headers, 'UTF8'), convert_to(x.value, 'UTF8')
from unnest($1::text[], $2::int[], $3::int[], $4::bigint[], $5::bigint[], $6::bigint[])
  as l (topic, lane, timeline, sequence, after, upto)
join unnest(string_to_array($7, chr(30)), string_to_array($8, chr(30)), string_to_array($9, chr(30)))
  with ordinality as x (key, headers, value, number)
  on x.number > l.after and x.number <= l.upto
"""


async def ensure(connection: Connection, names: Iterable[LaneId]) -> None:
    """Create the missing rows of these lanes. A new lane accepts events once the relay has reconciled the lane."""
    topics, lanes = as_arrays(sorted(names), 2)
    failpoints.reached("journal.ensure")
    await connection.execute(ENSURE, topics, lanes)


async def organisations(connection: Connection, domain: Domain) -> list[str]:
    """OINs of the organisations with a receipts lane: the admitted organisations."""
    prefix = f"{RECEIPTS}.{domain}."
    return [organisation_of(row["topic"]) for row in await connection.fetch(WITH_PREFIX, prefix)]


async def lock(connection: Connection, names: set[LaneId]) -> dict[LaneId, Lane]:
    """Lock these lanes until commit, sorted by topic and lane to prevent deadlocks.

    Raises `LaneNotFound` or `LaneNotReconciled`. After either error the transaction may write no events and must end.
    """
    failpoints.reached("journal.lock")
    rows = await connection.fetch(LOCK, *as_arrays(sorted(names), 2))
    if len(rows) != len(names):
        found = {(row["topic"], row["lane"]) for row in rows}
        raise LaneNotFound(", ".join(map(lane_label, sorted(names - found))))
    if closed := [f"{row['topic']}/{row['lane']}" for row in rows if not row["open"]]:
        raise LaneNotReconciled(f"not yet reconciled with Kafka: {', '.join(closed[:5])}")
    return {
        (row["topic"], row["lane"]): Lane(
            row["topic"],
            row["lane"],
            row["timeline"],
            row["sequence"],
            int.from_bytes(row["digest"], "big"),
            incarnation=row["reconciled"],
        )
        for row in rows
    }


async def write(connection: Connection, batch: JournalBatch) -> None:
    """Insert the rows of the batch and update the lanes. The relay sends the rows to Kafka after the commit."""
    await write_together(connection, list(journal_writes(batch)))


def journal_writes(batch: JournalBatch) -> Iterator[Write]:
    """The writes of `write`."""
    if batch.rows:
        topic, lane, timeline, sequence, digest, after, upto = as_arrays(batch.ranges, 7)
        yield Write(ADVANCE, [topic, lane, sequence, digest])
        yield Write(APPEND, [topic, lane, timeline, sequence, after, upto, *as_joined_texts(batch.rows, 3)])


def drain(lanes: Iterable[Lane]) -> JournalBatch:
    """Take the pending rows out of these lanes, as one batch."""
    ranges, rows, incarnation = [], list[tuple[str, bytes, bytes]](), ""
    for lane in lanes:
        if lane.rows:
            after = len(rows)
            rows += lane.rows
            lane.rows = []
            incarnation = lane.incarnation
            digest = lane.digest.to_bytes(32, "big")
            ranges.append((lane.topic, lane.lane, lane.timeline, lane.sequence, digest, after, len(rows)))
    return JournalBatch(ranges, rows, incarnation)
