"""The feed: every canonical event, byte for byte, read by cursor.

A page is one gapless range per lane; the lanes are merged by event id (UUIDv7: by time). The feed is written in the
transaction that saves the checkpoints, so the feed has no gap before a checkpoint.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import merge
from typing import Any, Final, NamedTuple

import structlog
from samenspel.contracts.canonical import CanonicalEvent, to_structured
from samenspel.contracts.topics import NOTIFICATIONS, LaneId
from samenspel.messaging import TRANSIENT
from samenspel.runtime import failpoints
from samenspel.runtime.bulk_parameters import as_arrays
from samenspel.runtime.postgres import Connection, Pool
from samenspel.runtime.wakeup import Wakeup

from services.notifier.domain.cursor import START, Cursor, LanePosition, Marks, mark_of
from services.notifier.store import subscriptions

log = structlog.get_logger()

PAGE_MAX: Final = 1_000
PAGE_BYTES_MAX: Final = 8 * 1024 * 1024
EVENTS_PER_SCAN: Final = 1_000
SCANS_MAX: Final = 50
"""Maximum scans without a match for a filtered page; the page is then empty, with ``more``."""
POLL_SECONDS: Final = 0.5
"""Polling interval of the ends of the feed, for events that another instance applied."""

ADD: Final = """
insert into feed (topic, lane, timeline, sequence, id, type, subject, aggregate, organisation, headers, value,
                  log_offset)
select * from unnest($1::text[], $2::int[], $3::int[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[],
                     $9::text[], $10::bytea[], $11::bytea[], $12::bigint[])
on conflict do nothing
"""
END_POSITIONS: Final = """
select topic, lane, timeline, sequence, identity,
  exists (select from subscription_cursor where awaited_offset is not null) as starts_wait
from checkpoint
"""
# `offset 0` makes PostgreSQL read each range by the index. PostgreSQL expects every range to have the same share of
# the table, and would otherwise scan the whole feed for a few ranges.
READ: Final = """
select f.topic, f.lane, f.timeline, f.sequence, f.id, f.headers, f.value
from unnest($1::text[], $2::int[], $3::int[], $4::bigint[], $5::bigint[]) as r (topic, lane, timeline, low, high)
cross join lateral (
  select * from feed f where (f.topic, f.lane, f.timeline) = (r.topic, r.lane, r.timeline)
    and f.sequence > r.low and f.sequence <= r.high order by f.sequence offset 0) f
where (cardinality($6::text[]) = 0 or f.type = any($6)) and ($7::text is null or f.topic <> $8 or f.organisation = $7)
order by f.topic, f.lane, f.sequence
"""


class Range(NamedTuple):
    """Part of a lane: sequences above ``low``, up to and including ``high``."""

    topic: str
    lane: int
    timeline: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Events as CloudEvents JSON objects, the cursor after the events, and whether more events are available.

    ``marks`` has the marks of all lanes of this system.
    """

    events: list[bytes]
    cursor: Cursor
    more: bool
    marks: Marks = field(default_factory=dict)


class LaneEnds(NamedTuple):
    """The end of the feed, and the mark of each lane with events.

    ``starts_wait``: whether a subscription starts at an end in Kafka that the feed has not reached.
    """

    positions: Cursor
    marks: Marks
    starts_wait: bool = False


class FeedWriter:
    """Writes applied events to the feed: the `ProjectionListener` of the notifier."""

    async def applied(self, connection: Connection, events: Sequence[CanonicalEvent]) -> None:
        failpoints.reached("feed.add")
        await connection.execute(ADD, *as_arrays([_row_of(event) for event in events], 12))

    async def log_replaced(self, pool: Pool, lanes: Collection[LaneId]) -> None:
        await subscriptions.release_starts(pool, lanes)


class FeedEnds:
    """The ends of the feed, read by one task of this instance for all waiting readers.

    A waiting reader uses no database connection. ``changed`` notifies the readers of new events. The same task places
    the starts of subscriptions that the feed now reaches, and notifies the deliveries with ``started``.
    """

    def __init__(self, pool: Pool, applied: Wakeup, started: Wakeup) -> None:
        self._pool = pool
        self._started = started
        self._applied = applied
        self._ends: Cursor = {}
        self.changed = Wakeup()

    async def run(self) -> None:
        """Read the ends after each commit of applied events, and every `POLL_SECONDS`, until cancelled."""
        while True:
            ticket = self._applied.next_ticket
            try:
                await self._refresh()
            except TRANSIENT as error:
                log.warning("ends of the feed not read; retrying", error=repr(error))
            await ticket.wait(POLL_SECONDS)

    async def _refresh(self) -> None:
        ends = await lane_ends(self._pool)
        has_started = ends.starts_wait and await subscriptions.resolve_starts(self._pool)
        if has_started:
            self._started.notify()
        if has_started or ends.positions != self._ends:
            self._ends = ends.positions
            self.changed.notify()

    def has_events_after(self, cursor: Cursor) -> bool:
        """Whether any lane has an event after ``cursor``, of any type."""
        return bool(plan(cursor, self._ends, 1))


async def lane_ends(connection: Connection | Pool) -> LaneEnds:
    """Current end of the feed, per lane, with the marks of the lanes."""
    rows = {(row["topic"], row["lane"]): row for row in await connection.fetch(END_POSITIONS)}
    return LaneEnds(
        {name: LanePosition(row["timeline"], row["sequence"]) for name, row in rows.items()},
        {name: mark_of(row["identity"]) for name, row in rows.items() if row["identity"]},
        any(row["starts_wait"] for row in rows.values()),
    )


async def read(
    pool: Pool,
    after: Cursor,
    limit: int,
    types: Sequence[str] = (),
    subscriber: str | None = None,
    held: Collection[LaneId] = (),
) -> FeedPage:
    """The page after cursor ``after``: at most ``limit`` events of ``types`` (empty: all types).

    For a ``subscriber``: without events about the subscriptions of other organisations. The lanes in ``held`` are
    left out, and stay as they are in the cursor.
    """
    (present, marks, _), cursor = await lane_ends(pool), dict(after)
    ends = {name: place for name, place in present.items() if name not in held}
    rows: list[Any] = []
    for _ in range(SCANS_MAX):
        ranges = plan(cursor, ends, EVENTS_PER_SCAN if types else limit)
        if not ranges:
            break
        cursor |= {(each.topic, each.lane): LanePosition(each.timeline, each.high) for each in ranges}
        if rows := await pool.fetch(READ, *as_arrays(ranges, 5), list(types), subscriber, NOTIFICATIONS):
            break
    rows, left = cut(merged(rows), limit)
    cursor |= left
    events = [to_structured(row["headers"], row["value"]) for row in rows]
    return FeedPage(events, cursor, more=bool(plan(cursor, ends, 1)), marks=marks)


def plan(after: Cursor, ends: Cursor, limit: int) -> list[Range]:
    """The ranges of the next page: at most ``limit`` events, distributed fairly over the lanes with events.

    Events of an older timeline are void and skipped.
    """
    starts = {name: place for name, end in ends.items() if (place := _start(after.get(name, START), end)) < end}
    given = shares({name: ends[name].sequence - place.sequence for name, place in starts.items()}, limit)
    return [
        Range(*name, starts[name].timeline, starts[name].sequence, starts[name].sequence + number)
        for name, number in sorted(given.items())
        if number
    ]


def shares(wanted: Mapping[LaneId, int], limit: int) -> dict[LaneId, int]:
    """``limit`` distributed over the lanes. Lanes with many events get the unused share of lanes with few events."""
    given: dict[LaneId, int] = {}
    for number, name in enumerate(sorted(wanted, key=lambda name: wanted[name])):
        given[name] = min(wanted[name], limit // (len(wanted) - number))
        limit -= given[name]
    return given


def merged(rows: Sequence[Any]) -> list[Any]:
    """Rows merged by event id across lanes. The order within a lane is kept, independent of the ids."""
    lanes: dict[LaneId, list[Any]] = {}
    for row in rows:
        lanes.setdefault((row["topic"], row["lane"]), []).append(row)
    return list(merge(*lanes.values(), key=lambda row: row["id"]))


def cut(rows: Sequence[Any], limit: int) -> tuple[list[Any], dict[LaneId, LanePosition]]:
    """The first rows that fit in one page, and per lane the position before the first row that does not fit."""
    fitting, size = 0, 0
    for row in rows[:limit]:
        size += len(row["value"])
        if fitting and size > PAGE_BYTES_MAX:
            break
        fitting += 1
    left = {
        (row["topic"], row["lane"]): LanePosition(row["timeline"], row["sequence"] - 1)
        for row in reversed(rows[fitting:])
    }
    return list(rows[:fitting]), left


def _start(place: LanePosition, end: LanePosition) -> LanePosition:
    return place if place.timeline >= end.timeline else LanePosition(end.timeline, 0)


def _row_of(event: CanonicalEvent) -> tuple[Any, ...]:
    return (
        event.topic,
        event.lane,
        event.timeline,
        event.sequence,
        event.id,
        event.type,
        event.subject,
        event.aggregate,
        _submitter(event),
        event.lines,
        event.value,
        event.offset,
    )


def _submitter(event: CanonicalEvent) -> str:
    """The OIN in ``authid``, ``urn:nld:oin:<oin>``."""
    return dict(event.headers).get("ce_authid", b"").decode().rpartition(":")[2]
