"""The replica's tables: eight questions at full size, and the price of the tables in the first fill and in following.

The events come straight from the apply path, without Kafka. The base is the same store without tables of the current
state: the log, its index and the digests.
"""

import gc
import statistics
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

from samenspel.client.read.questions import QUESTIONS
from samenspel.client.replica import ReplicaStore
from samenspel.client.replica.current_state import CurrentState

from tests.bench.measures import Figure
from tests.support.synthetic_events import Country, Event

INITIATIVES: Final = 100_000
"""A million events."""
SAMPLE: Final = 15_000
"""Initiatives of one round of the first fill: 150,000 events."""
FOLLOWED: Final = 15_000
"""Events of one round of following."""
EVENTS_PER_FILL_COMMIT: Final = 5_000
EVENTS_PER_FOLLOW_COMMIT: Final = 5_000
"""A follower that cannot keep up reads this number of records at once; below that rate no follower falls behind."""
MILLIS_MAX: Final = 50.0
REPEATS: Final = 5
_BASE_INDEX: Final = "create index main.event_subject on event (aggregate, subject, number)"


class LogAlone(CurrentState):
    """No tables of the current state: the file before they existed."""

    def apply(self, rows: Sequence[tuple[Any, ...]], before: int) -> None: ...

    def fill(self) -> None:
        self._connection.execute(_BASE_INDEX)
        self._save_position(0)


def questions(folder: Path, rounds: int, initiatives: int = INITIATIVES) -> list[Figure]:
    """The eight questions on a file of full size, then fill and follow against the base, in turn."""
    country = Country(initiatives)
    with ReplicaStore(folder / "country.db", create=True) as store:
        count = _apply(store, country, country.events(), EVENTS_PER_FILL_COMMIT)
        store.finish()
        figures = [_timed(store, name, country, count) for name in QUESTIONS]
        (folder / "country.db").unlink()
    return [*figures, *_prices(folder, rounds)]


def _timed(store: ReplicaStore, name: str, country: Country, count: int) -> Figure:
    question = QUESTIONS[name]
    given = {"initiative_id": country.ids[1_000], "day": "2026-11-28"}
    values = {parameter: given[parameter] for parameter in question.parameters}
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        rows = list(store.query_named(question.sql, values))
        times.append((time.perf_counter() - began) * 1_000)
        if not rows:
            raise ValueError(f"no rows: {name}")
    millis = statistics.median(times)
    title = f"replica of {count:,} events: {name}"
    return Figure(title, millis, "ms", goal=f"<= {MILLIS_MAX:.0f} ms", holds=millis <= MILLIS_MAX)


def _prices(folder: Path, rounds: int) -> list[Figure]:
    fills: list[tuple[float, float]] = []
    follows: list[tuple[float, float]] = []
    for run in range(rounds):
        pair = [_rates(folder / f"price-{run}-{base}.db", base=base) for base in _turns(run)]
        base, ours = pair if run % 2 == 0 else pair[::-1]
        fills.append((base[0], ours[0]))
        follows.append((base[1], ours[1]))
    return [_figure("first fill", fills, 0.7), _figure("follow", follows, 0.9)]


def _turns(run: int) -> tuple[bool, bool]:
    return (True, False) if run % 2 == 0 else (False, True)


def _figure(name: str, rates: list[tuple[float, float]], goal: float) -> Figure:
    ratios = sorted(ours / base for base, ours in rates)
    value, floor = (statistics.median(ours for _, ours in rates), statistics.median(base for base, _ in rates))
    ratio = statistics.median(ratios)
    title = f"replica with tables, {name}, against the log alone"
    spread = (ratios[0], ratios[-1])
    return Figure(title, value, "events/s", floor, ratio, f"ratio >= {goal}", ratio >= goal, spread)


def _rates(path: Path, *, base: bool) -> tuple[float, float]:
    """Events per second of the first fill with its end, and of following."""
    country = Country(SAMPLE)
    events = list(country.events())
    news = list(country.followed(FOLLOWED))
    gc.disable()
    try:
        with ReplicaStore(path, create=True) as store:
            if base:
                store._state = LogAlone(store._connection)
            store.speed_up_loading()
            began = time.perf_counter()
            _apply(store, country, iter(events), EVENTS_PER_FILL_COMMIT)
            store.finish()
            filled = time.perf_counter()
            _apply(store, country, iter(news), EVENTS_PER_FOLLOW_COMMIT)
            followed = time.perf_counter()
    finally:
        gc.enable()
        path.unlink(missing_ok=True)
    return len(events) / (filled - began), len(news) / (followed - filled)


def _apply(store: ReplicaStore, country: Country, events: Iterator[Event], per_commit: int) -> int:
    """Apply and commit; returns the number of events."""
    batch, count = store.batch([store.lane(*name) for name in country.lane_names]), 0
    lanes = batch.lanes
    while some := list(islice(events, per_commit)):
        for topic, partition, offset, headers, value in some:
            batch.apply(lanes[topic, partition], offset, headers, value)
        count += store.commit(batch)
    return count
