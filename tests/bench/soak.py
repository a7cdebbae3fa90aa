"""``make soak``: a steady load for a long time, over Kafka and HTTP, and the memory of the services at the end.

``RATE`` submissions a second, for ``LIMIT_S`` seconds. Prints a line of figures. Exit code 1 if a service's memory
grows by more than `GROWTH_MAX`: the median of the last third against the first third, without the warm-up.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from deploy.local.system import LocalSystem
from tests.faults.storm.harness import Stage, staged
from tests.faults.storm.submitters import Crowd
from tests.faults.storm.subscriber import subscribed
from tests.faults.storm.verdict import judge
from tests.faults.storm.watcher import Watcher
from tests.support.database import rows
from tests.support.organisations import admit

RATE = int(os.environ.get("RATE", "200"))
LIMIT_SECONDS = float(os.environ.get("LIMIT_S", "600"))
WARM_UP = 0.2
"""The share of the time in which caches and pools fill."""
GROWTH_MAX = 0.08
"""Of the memory in the first third. A leak of 100 bytes per event would be more within ten minutes at 200/s."""
TICK_SECONDS, SAMPLE_SECONDS = 0.1, 5.0
MEGABYTE = 2**20
JOURNALLED = "select coalesce(sum(sequence), 0) as events from lane"


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample: seconds since the start, bytes of memory and open sockets by service, journalled events."""

    at: float
    memory: dict[str, int]
    connections: dict[str, int]
    events: int


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="samenspel-soak-") as folder:
        Path(folder).chmod(0o755)
        system = LocalSystem(Path(folder) / "home")
        try:
            system.start(services=())
            system.services.claim_ports(["registry", "funding", "notifier"])
            samples = asyncio.run(_soak(system))
        finally:
            system.remove()
    return _report(samples)


async def _soak(system: LocalSystem) -> list[Sample]:
    async with staged(system, {"registry": 1, "funding": 1, "notifier": 1}, seed=1) as stage:
        cities = [await admit(system) for _ in range(3)]
        authority = await admit(system, kind="ministry", roles=("grant-authority",))
        watcher = Watcher(system)
        async with subscribed(cities[0]):
            watching = asyncio.create_task(watcher.run())
            crowd = Crowd(stage, watcher, cities, authority)
            await crowd.begin()
            working = asyncio.create_task(crowd.run())
            samples = await _sampled(stage, crowd)
            crowd.tap.close()
            await working
            watching.cancel()
            await crowd.close()
        await judge(stage, crowd)
    return samples


async def _sampled(stage: Stage, crowd: Crowd) -> list[Sample]:
    """Run the load for the given time, and take samples."""
    begun, due, samples = time.monotonic(), 0.0, list[Sample]()
    while (passed := time.monotonic() - begun) < LIMIT_SECONDS:
        crowd.tap.release(max(0, round(passed * RATE) - crowd.tap.released))
        if passed >= due:
            samples.append(await _sample(stage, passed))
            due += SAMPLE_SECONDS
        await asyncio.sleep(TICK_SECONDS)
    return samples


async def _sample(stage: Stage, at: float) -> Sample:
    memory: dict[str, int] = {each.service: each.process.memory_info().rss for each in stage.instances}
    connections: dict[str, int] = {each.service: len(each.process.net_connections()) for each in stage.instances}
    events = 0
    for service in stage.services:
        (found,) = await rows(stage.system, service, JOURNALLED)
        events += int(found["events"])
    return Sample(at, memory, connections, events)


def _report(samples: Sequence[Sample]) -> int:
    warm = [each for each in samples if each.at >= WARM_UP * LIMIT_SECONDS]
    third = len(warm) // 3
    first, last = warm[:third], warm[-third:]
    hours = (median(each.at for each in last) - median(each.at for each in first)) / 3600
    said, holds = [], True
    for service in warm[0].memory:
        before = median(each.memory[service] for each in first)
        after = median(each.memory[service] for each in last)
        holds &= after <= before * (1 + GROWTH_MAX)
        said.append(
            f"{service} {before / MEGABYTE:.1f} -> {after / MEGABYTE:.1f} MB"
            f" ({(after - before) / MEGABYTE / hours:+.0f} MB/h, sockets {first[0].connections[service]}"
            f" -> {last[-1].connections[service]})"
        )
    rate = (warm[-1].events - warm[0].events) / (warm[-1].at - warm[0].at)
    print(
        f"soak {samples[-1].at:.0f} s, {RATE} submissions/s wanted, {rate:.0f} records/s journalled, "
        f"{samples[-1].events} in all: {'; '.join(said)}; growth at most {GROWTH_MAX:.0%}: "
        f"{'holds' if holds else 'DOES NOT HOLD'}"
    )
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
