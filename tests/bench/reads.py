"""Pages of lists on a long history: the initiatives of the registry, and the feed of the notifier.

PostgreSQL alone, without services: `tests/plans/fill.py` writes 100,000 initiatives and 1,000,000 events.
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Final

import asyncpg
from samenspel.contracts.topics import NOTIFICATIONS
from samenspel.runtime.bulk_parameters import as_arrays
from samenspel.runtime.postgres import Pool

from services.notifier import feed
from services.notifier.domain.cursor import LanePosition
from services.registry import store
from tests.bench.measures import Figure
from tests.plans.history import history
from tests.support.postgres import postgres_server

INITIATIVES: Final = 100_000
EVENTS: Final = 1_000_000
DEPTHS: Final = (0, 50_000, 99_000)
PAGE: Final = 100
FEED_PAGE: Final = 1_000
VALUE: Final = '{"title":"' + "x" * 400 + '"}'
CALLS: Final = 30
INITIATIVES_MS_MAX: Final = 5.0
FEED_MS_MAX: Final = 25.0
ID_AT: Final = "select initiative_id from initiative_index order by initiative_id offset $1 limit 1"


def reads(rounds: int) -> list[Figure]:
    with postgres_server() as server:
        return asyncio.run(_reads(server, rounds))


async def _reads(server: str, rounds: int) -> list[Figure]:
    # Four of ten aggregates are initiatives.
    tables, rows = {"aggregate", "initiative_index"}, INITIATIVES * 10 // 4
    async with history(server, rows, tables, VALUE) as made, asyncpg.create_pool(made.dsn) as pool:
        figures = await _pages_of_initiatives(pool, rounds)
    async with history(server, EVENTS, {"checkpoint", "feed"}, VALUE) as made, asyncpg.create_pool(made.dsn) as pool:
        return [*figures, await _page_of_feed(pool, rounds)]


async def _pages_of_initiatives(pool: Pool, rounds: int) -> list[Figure]:
    """By depth, each against the page at the beginning, in turn."""
    afters = [await pool.fetchval(ID_AT, max(0, depth - 1)) if depth else "" for depth in DEPTHS]
    times: list[list[float]] = [[] for _ in DEPTHS]
    for _ in range(rounds):
        for each, after in zip(times, afters, strict=True):
            each.append(
                await _milliseconds(lambda after=after: store.initiatives(pool, after, None, None, None, PAGE))
            )
    figures = []
    for depth, each in zip(DEPTHS, times, strict=True):
        value, first = statistics.median(each), statistics.median(times[0])
        name = f"page of {PAGE} initiatives at depth {depth:,} of {INITIATIVES:,}"
        holds = value <= INITIATIVES_MS_MAX
        figures.append(Figure(name, value, "ms", first, value / first, f"<= {INITIATIVES_MS_MAX:g} ms", holds))
    return figures


async def _page_of_feed(pool: Pool, rounds: int) -> Figure:
    """From the middle of 48 lanes, against the statement alone."""
    ends = (await feed.lane_ends(pool)).positions
    middle = {name: LanePosition(end.timeline, end.sequence // 2) for name, end in ends.items()}
    ranges = as_arrays(feed.plan(middle, ends, FEED_PAGE), 5)
    ours, floors = [], []
    for _ in range(rounds):
        floors.append(await _milliseconds(lambda: pool.fetch(feed.READ, *ranges, [], None, NOTIFICATIONS)))
        ours.append(await _milliseconds(lambda: feed.read(pool, middle, FEED_PAGE)))
    value, floor = statistics.median(ours), statistics.median(floors)
    ratio = statistics.median(mine / bare for mine, bare in zip(ours, floors, strict=True))
    name = f"feed page of {FEED_PAGE:,} of {EVENTS:,} events on {len(ends)} lanes"
    return Figure(name, value, "ms", floor, ratio, f"<= {FEED_MS_MAX:g} ms", value <= FEED_MS_MAX)


async def _milliseconds(call: Callable[[], Awaitable[object]]) -> float:
    """Median time of a call, after calls that let PostgreSQL choose its plan."""
    times = []
    for _ in range(CALLS):
        began = time.perf_counter()
        await call()
        times.append(time.perf_counter() - began)
    return 1_000 * statistics.median(times[CALLS // 3 :])
