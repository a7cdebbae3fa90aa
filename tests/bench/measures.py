"""The measurements, each against a floor of the same run: only the ratio is compared with the goal."""

import asyncio
import sqlite3
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from samenspel.client.replica import ReplicaStore, sync_over_kafka
from samenspel.contracts.topics import FUNDING, INITIATIVES, LANES_LOCAL, ingress

from tests.bench.harness import ORGANISATIONS, Stand, fill, rate, steady
from tests.bench.history import grow

SECONDS_MAX: Final = 240.0
LANES: Final = range(LANES_LOCAL)


@dataclass(frozen=True, slots=True)
class Figure:
    """A row of the table. ``holds`` is None without a goal."""

    name: str
    value: float
    unit: str
    floor: float | None = None
    ratio: float | None = None
    goal: str = ""
    holds: bool | None = None
    spread: tuple[float, float] | None = None
    """The smallest and the largest ratio of a round."""

    def row(self) -> dict[str, Any]:
        return asdict(self)


def compared(
    name: str,
    unit: str,
    ours: Sequence[float],
    floors: Sequence[float],
    *,
    least: float | None = None,
    most: float | None = None,
) -> Figure:
    """The median ratio of rounds that were measured in turn, with its spread.

    The goal is at ``least`` or at ``most`` so much; without both, the figure is context.
    """
    ratios = [mine / floor for mine, floor in zip(ours, floors, strict=True)]
    ratio = statistics.median(ratios)
    goal, holds = "", None
    if least is not None:
        goal, holds = f"ratio >= {least:g}", ratio >= least
    elif most is not None:
        goal, holds = f"ratio <= {most:g}", ratio <= most
    value, floor = statistics.median(ours), statistics.median(floors)
    return Figure(name, value, unit, floor, ratio, goal, holds, (min(ratios), max(ratios)))


def throughput(stand: Stand, count: int, rounds: int) -> list[Figure]:
    """Submission → canonical through a registry process, against the floor, in turn; medians."""
    floors, ours = [], []
    for run in range(rounds):
        asyncio.run(fill(stand, "funding", count, run, count // 5))
        command = ["tests.bench.floor", *(ingress("funding", oin) for oin in ORGANISATIONS)]
        with stand.process("funding", *command):
            floors.append(asyncio.run(rate(stand, "funding", FUNDING, LANES, count, SECONDS_MAX)))
        asyncio.run(fill(stand, "initiatives", count, run, count // 5))
        with stand.process("registry", "services.registry"):
            ours.append(asyncio.run(rate(stand, "registry", INITIATIVES, LANES, count, SECONDS_MAX)))
    return [compared("submission to canonical", "events/s", ours, floors, least=0.6)]


def rebuild(stand: Stand, folder: Path, count: int, rounds: int) -> list[Figure]:
    """A verified replica from nothing, against a plain aiokafka read of the same lanes, in turn; medians.

    The lanes hold at least ``count`` events: those of earlier measurements, or of one more.
    """
    if asyncio.run(_events(stand)) < count:
        _drained(stand, count, 70)
    floors, ours = [], []
    for run in range(rounds):
        floors.append(asyncio.run(_read_all(stand)))
        began = time.monotonic()
        with ReplicaStore(folder / f"replica-{run}.db", create=True) as store:
            report = sync_over_kafka(stand.system.profile, stand.reader(), store, topics=[INITIATIVES])
        ours.append(report.applied / (time.monotonic() - began))
    return [compared("verified replica rebuild", "events/s", ours, floors, least=0.5)]


async def _events(stand: Stand) -> int:
    """Number of events on the initiatives' lanes."""
    consumer = AIOKafkaConsumer(**stand.kafka(), group_id=None)
    await consumer.start()
    try:
        return sum((await consumer.end_offsets([TopicPartition(INITIATIVES, lane) for lane in LANES])).values())
    finally:
        await consumer.stop()


async def _read_all(stand: Stand) -> float:
    consumer = AIOKafkaConsumer(
        **stand.kafka(), group_id=None, auto_offset_reset="earliest", max_partition_fetch_bytes=4_194_304
    )
    await consumer.start()
    try:
        partitions = [TopicPartition(INITIATIVES, lane) for lane in LANES]
        consumer.assign(partitions)
        count = sum((await consumer.end_offsets(partitions)).values())
        began, done = time.monotonic(), 0
        while done < count:
            found = await consumer.getmany(timeout_ms=200, max_records=5_000)
            done += sum(len(records) for records in found.values())
        return count / (time.monotonic() - began)
    finally:
        await consumer.stop()


def latency(stand: Stand, folder: Path, per_second: int, seconds: int) -> list[Figure]:
    """Time from the recording of an event to the commit in a replica, at a steady pace; the first fifth warms up."""
    database = folder / "follow.db"
    with stand.process("registry", "services.registry"):
        stand.await_ready("registry")
        with stand.following(database):
            asyncio.run(steady(stand, "initiatives", per_second, seconds))
    millis = sorted(_delays(database))
    p50, p99 = millis[len(millis) // 2], millis[len(millis) * 99 // 100]
    return [
        Figure("recorded to replica, p50", p50, "ms", goal="<= 10 ms at 300/s", holds=p50 <= 10),
        Figure("recorded to replica, p99", p99, "ms", goal="<= 50 ms at 300/s", holds=p99 <= 50),
    ]


def _delays(database: Path) -> list[float]:
    with sqlite3.connect(database) as connection:
        rows = connection.execute("select time, applied_at from delay order by time").fetchall()
    rows = rows[len(rows) // 5 :]
    return [(applied - recorded) * 1000 for recorded, applied in rows]


def growth(stand: Stand, sizes: Sequence[int], sample: int) -> list[Figure]:
    """Events per second for the next ``sample`` on so much history, against the smallest; the better of two."""
    figures: list[Figure] = []
    there, first = 0, 0.0
    for run, size in enumerate(sizes):
        asyncio.run(grow(stand, there, size))
        there = size
        value = max(_drained(stand, sample, 50 + 2 * run + turn) for turn in range(2))
        first = first or value
        ratio = value / first
        figures.append(
            Figure(f"with {size:,} events of history", value, "events/s", first, ratio, "ratio >= 0.8", ratio >= 0.8)
        )
    return figures


def _drained(stand: Stand, sample: int, run: int) -> float:
    asyncio.run(fill(stand, "initiatives", sample, run, sample // 5))
    with stand.process("registry", "services.registry"):
        return asyncio.run(rate(stand, "registry", INITIATIVES, LANES, sample, SECONDS_MAX, warm=sample // 10))
