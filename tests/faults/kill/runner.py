"""A run: the service works, a fault strikes at a point, and afterwards the law holds."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from random import Random
from typing import Final

from samenspel.contracts.topics import DOMAIN_OF, Service

from deploy.local.system import LocalSystem
from tests.faults.kill.catalogue import Case, Mode
from tests.faults.kill.failing_decider import can_stumble
from tests.faults.kill.forked_service import Life
from tests.faults.kill.harness import PATIENCE, Stage, stage
from tests.faults.kill.judge import judge, keep_history
from tests.faults.kill.lane_log import Log, following
from tests.faults.kill.losing_proxy import LosingProxy
from tests.faults.kill.submissions import Funding, Registering, Subscribing, Work
from tests.support.organisations import admit, operator_of
from tests.support.retention import LONG_MIGRATED
from tests.support.service_process import begin_ready
from tests.support.waiting import eventually
from tests.support.webhook_receivers import receiving, takes

RUN_SECONDS_MAX: Final = 240


async def run(work: Work, case: Case) -> None:
    """Raises `AssertionError` when something does not hold."""
    stage = work.stage
    times = 1 if case.point.at_birth else Random(str(case)).randint(1, 3)
    if case.point.behind:
        await stage.lose_progress()
    life, moment = stage.meet(case.point, times)
    struck = asyncio.Event()
    async with asyncio.timeout(RUN_SECONDS_MAX), asyncio.TaskGroup() as tasks:
        working = tasks.create_task(_work_until(struck, work))
        await life.reaches(moment)
        await _strike(stage, life, case)
        struck.set()
        await working
    assert stage.life and not stage.life.has_ended, "the process ended by itself"
    await judge(stage)


async def _work_until(struck: asyncio.Event, work: Work) -> None:
    await work.round()
    while not struck.is_set():
        await work.round()


async def _strike(stage: Stage, life: Life, case: Case) -> None:
    if case.mode is not Mode.BEFORE:
        proxy = stage.proxies[case.point.towards.server]
        proxy.lose(case.point.towards.question, reset=case.mode is Mode.LOST)
        life.go_on()
        await eventually(lambda: proxy.has_lost or life.has_ended, PATIENCE, f"a question at {case.point.name}")
        assert not life.has_ended, "the process ended by itself"
    if case.mode is not Mode.LOST:
        stage.end()
        for proxy in stage.proxies.values():
            proxy.forward()
        stage.begin()


@asynccontextmanager
async def works(system: LocalSystem) -> AsyncIterator[Mapping[Service, Work]]:
    """A stage for each service, all three alive, and the common log."""
    async with AsyncExitStack() as stack:
        # Only a running registry can admit the submitting organisations.
        registry = await begin_ready(system, "registry")
        stack.callback(registry.kill)
        cities = [await admit(system, roles=("grant-authority",)) for _ in DOMAIN_OF]
        registry.kill()
        log = await stack.enter_async_context(following([operator_of(system), *cities]))
        stages = {
            service: await stack.enter_async_context(stage(system, service, city, log))
            for service, city in zip(DOMAIN_OF, cities, strict=True)
        }
        for service, each in stages.items():
            each.begin()
            await eventually(each.is_ready, PATIENCE, f"a ready {service}")
            await each.database.execute(LONG_MIGRATED)
        await keep_history(stages["funding"])
        for name in ("registry", "funding"):
            await can_stumble(stages[name])
        told = await stack.enter_async_context(receiving(takes))
        receiver = stack.enter_context(LosingProxy(int(told.url.rstrip("/").rpartition(":")[2])))
        stages["notifier"].proxies["receiver"] = receiver
        subscribing = Subscribing(stages["notifier"], told)
        await subscribing.subscribe()
        yield {
            "registry": Registering(stages["registry"]),
            "funding": Funding(stages["funding"]),
            "notifier": subscribing,
        }


def log_of(works: Mapping[Service, Work]) -> Log:
    return works["registry"].stage.log
