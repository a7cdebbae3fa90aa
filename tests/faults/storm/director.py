"""Runs a storm: organisations submit, fault after fault strikes, and at the end the result is judged."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, field

from samenspel.contracts.topics import INITIATIVES, LANES_LOCAL

from deploy.local.system import LocalSystem
from tests.faults.storm.client_shutdown import all_gone
from tests.faults.storm.faults import FAULTS
from tests.faults.storm.figures import Recoveries
from tests.faults.storm.harness import Stage, staged
from tests.faults.storm.hostile import hostile
from tests.faults.storm.instances import Instance
from tests.faults.storm.plan import Plan
from tests.faults.storm.submitters import Crowd
from tests.faults.storm.subscriber import Subscription, subscribed
from tests.faults.storm.verdict import judge
from tests.faults.storm.watcher import Watcher, admin_access
from tests.support.organisations import admit
from tests.support.reading import read_all
from tests.support.waiting import eventually

SERVED_SECONDS_MAX = 400.0
TOLD_SECONDS_MAX = 300.0
EXPLAINED_SECONDS = 2.0
Say = Callable[[str], None]


@dataclass(slots=True)
class Outcome:
    """The result. ``events`` submissions led to ``canonical`` events and ``told`` deliveries."""

    recoveries: Recoveries = field(default_factory=Recoveries)
    events: int = 0
    canonical: int = 0
    told: int = 0
    skipped: int = 0
    """Faults for which no time was left."""
    seconds: float = 0.0


async def storm(system: LocalSystem, plan: Plan, say: Say, limit: float) -> Outcome:
    """Raises AssertionError for a broken law, TimeoutError for an organisation without service.

    No fault strikes after ``limit`` seconds; all submissions until then are judged.
    """
    outcome, begun = Outcome(), time.monotonic()
    async with staged(system, plan.instances, plan.seed) as stage, AsyncExitStack() as rooms:
        cities = [await admit(system) for _ in range(3)]
        authority = await admit(system, kind="ministry", roles=("grant-authority",))
        subscription = await rooms.enter_async_context(subscribed(cities[0])) if stage.of("notifier") else None
        watcher = Watcher(system)
        crowd = await rooms.enter_async_context(_crowded(Crowd(stage, watcher, cities, authority), watcher))
        flood = hostile(stage, await admit(system)) if plan.hostile else nullcontext()
        async with flood:
            await _strike_all(plan, stage, crowd, subscription, outcome, say, begun + limit)
            await crowd.finished
        await stage.all_ready()
        outcome.canonical = await judge(stage, crowd)
        if subscription:
            log = await read_all(admin_access(system), INITIATIVES, LANES_LOCAL)
            await eventually(lambda: subscription.holds(log), TOLD_SECONDS_MAX, "every event told")
            outcome.told = len(subscription.told.answers)
        outcome.events = sum(map(len, crowd.submitted.values()))
    outcome.seconds = time.monotonic() - begun
    return outcome


async def _strike_all(
    plan: Plan,
    stage: Stage,
    crowd: Crowd,
    subscription: Subscription | None,
    outcome: Outcome,
    say: Say,
    deadline: float,
) -> None:
    """One fault after another, each with its share of submissions, until the monotonic ``deadline``."""
    for number, kind in enumerate(plan.faults, 1):
        if time.monotonic() > deadline:
            outcome.skipped = len(plan.faults) - number + 1
            break
        crowd.tap.release(plan.share)
        await asyncio.sleep(stage.random.uniform(0, 0.5))
        await _strike(kind, stage, crowd, subscription, outcome.recoveries)
        say(f"{number}/{len(plan.faults)} {kind}: {outcome.recoveries.last:.1f} s")
    crowd.tap.close()


async def _strike(
    kind: str, stage: Stage, crowd: Crowd, subscription: Subscription | None, recoveries: Recoveries
) -> None:
    async def served(victim: Instance | None) -> None:
        told_of = await crowd.is_served()
        if subscription and victim and victim.service == "notifier":
            await subscription.is_told_of(told_of)

    async with _explained(stage), asyncio.timeout(SERVED_SECONDS_MAX):
        striking = asyncio.ensure_future(FAULTS[kind](stage, served))
        await asyncio.wait([striking, crowd.finished], return_when=asyncio.FIRST_COMPLETED)
        if not striking.done():
            striking.cancel()
            crowd.finished.result()
        for each in stage.restarts:
            recoveries.add(*each)
        stage.restarts.clear()
        recoveries.add(*striking.result())


@asynccontextmanager
async def _explained(stage: Stage) -> AsyncIterator[None]:
    """An unexplained missing answer: the log of every instance then shows all waiting tasks."""
    try:
        yield
    except TimeoutError:
        await stage.say_what_waits()
        await asyncio.sleep(EXPLAINED_SECONDS)
        raise


@asynccontextmanager
async def _crowded(crowd: Crowd, watcher: Watcher) -> AsyncIterator[Crowd]:
    """The submitters at work; any error of a submitter stops the storm."""
    watching = asyncio.create_task(watcher.run())
    await crowd.begin()
    crowd.finished = asyncio.create_task(crowd.run())
    try:
        yield crowd
    finally:
        for task in (watching, crowd.finished):
            task.cancel()
        await asyncio.gather(watching, crowd.finished, return_exceptions=True)
        await crowd.close()
        await all_gone()
