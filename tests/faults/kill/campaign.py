"""Many runs: the three stages at once, and from time to time everything replayed and counted anew."""

import asyncio
import sys
import time
import traceback
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from samenspel.contracts.topics import CANONICAL, DOMAIN_OF, LANES_LOCAL, Service

from deploy.local.system import LocalSystem
from tests.faults.kill.catalogue import Case, Mode
from tests.faults.kill.harness import PATIENCE
from tests.faults.kill.runner import run, works
from tests.faults.kill.submissions import Work
from tests.faults.workload import law_holds
from tests.support.database import rows
from tests.support.invariants import Name, Replica
from tests.support.organisations import operator_of
from tests.support.waiting import eventually

REGRESSIONS: Final = Path(__file__).with_name("regressions.txt")
"""Cases with a failure in the past, a case per line; tried in every test."""
BETWEEN_COUNTS: Final = 60
"""Runs of each service, until everything is replayed and counted anew."""
FOLLOWERS: Final[Mapping[Service, Sequence[Service]]] = {
    "registry": ("funding", "notifier"),
    "funding": ("notifier",),
    "notifier": ("notifier",),
}


@dataclass(slots=True)
class Campaign:
    """``jobs`` runs at once; none begins after ``limit`` seconds."""

    jobs: int
    limit: float
    failures: int = 0
    runs: Counter[Mode] = field(default_factory=Counter)
    points: set[tuple[Service, str]] = field(default_factory=set)
    counts: int = 0
    begun: float = field(default_factory=time.monotonic)

    async def fight(self, system: LocalSystem, cases: Mapping[Service, Sequence[Case]]) -> None:
        """Try all cases. Raises if the recount does not add up."""
        turns = asyncio.Semaphore(self.jobs)
        async with works(system) as made:
            for first in range(0, max(map(len, cases.values())), BETWEEN_COUNTS):
                if self._is_over():
                    return
                part = {service: each[first : first + BETWEEN_COUNTS] for service, each in cases.items()}
                await asyncio.gather(*(self._try_all(made[service], part[service], turns) for service in DOMAIN_OF))
                await everything_holds(made)
                self.counts += 1
                print(self.figures(), file=sys.stderr)

    def figures(self) -> str:
        """The figures in a line."""
        seconds, runs = time.monotonic() - self.begun, self.runs.total()
        kills = self.runs[Mode.BEFORE] + self.runs[Mode.AFTER]
        names = {name for _, name in self.points}
        return (
            f"kill points: {runs} runs, {self.failures} failed; {kills} killed ({self.runs[Mode.AFTER]} after), "
            f"{self.runs[Mode.LOST]} answers lost; {len(names)} points ({len(self.points)} with their service); "
            f"counted anew {self.counts} times; {seconds / max(runs, 1):.2f} s per run, {seconds:.0f} s"
        )

    def _is_over(self) -> bool:
        return time.monotonic() - self.begun > self.limit

    async def _try_all(self, work: Work, cases: Sequence[Case], turns: asyncio.Semaphore) -> None:
        for each in cases:
            async with turns:
                if self._is_over():
                    return
                await self._try(work, each)

    async def _try(self, work: Work, case: Case) -> None:
        begun = time.monotonic()
        try:
            await run(work, case)
            print(f"{case}: {time.monotonic() - begun:.1f} s", file=sys.stderr)
        except (Exception, ExceptionGroup) as error:
            self.failures += 1
            print(f"FAILED {case}", file=sys.stderr)
            traceback.print_exception(error, file=sys.stderr)
            with REGRESSIONS.open("a") as regressions:
                regressions.write(f"{case}\n")
            work.stage.begin_anew()
            work.stage.log.require_whole()
        self.runs[case.mode] += 1
        self.points.add((case.service, case.point.name))


async def everything_holds(made: Mapping[Service, Work]) -> None:
    """At rest: every lane replayed from the start, every row recounted, every replica equal."""
    organisations = [work.stage.organisation for work in made.values()]
    system = organisations[0].system
    for service in made:
        lanes = await law_holds(system, service, [*organisations, operator_of(system)])
        for name in sorted(set(lanes) & {(topic, lane) for topic in CANONICAL for lane in range(LANES_LOCAL)}):
            for follower in FOLLOWERS[service]:
                await _is_equal(system, follower, name, lanes[name])


async def _is_equal(system: LocalSystem, follower: Service, name: Name, replica: Replica) -> None:
    wanted = len(replica.records), replica.digest.to_bytes(32, "big")
    query = "select sequence, digest from checkpoint where (topic, lane) = ($1, $2)"

    async def equal() -> bool:
        return [tuple(row) for row in await rows(system, follower, query, *name)] == [wanted]

    await eventually(equal, PATIENCE, f"{follower}'s copy of {name} equal to its owner's")
