"""The registry dies at every named moment between reading and acknowledging: nothing is lost, nothing happens twice.

A process kills itself at the n-th time that it comes by a point, while two doors submit to it; another takes its
place. "Answer lost" is a point after a commit or an acknowledgement.
"""

import asyncio

import pytest
import pytest_asyncio

from deploy.local.system import LocalSystem
from tests.chaos.workload import Workload, law_holds
from tests.kit.events import initiative
from tests.kit.lives import Life, begin, begin_ready
from tests.kit.organisations import Organisation, admit, operator_of

SOME = ["ingress.commit", "http.commit", "relay.send", "relay.move", "comparison.open"]
POINTS = [*SOME, "ingress.begin", "relay.begin-claim", "relay.acknowledge", "comparison.reset"]


@pytest_asyncio.fixture(scope="module")
async def city(bare_system: LocalSystem) -> Organisation:
    """Admitted by a registry that lives on."""
    life = await begin_ready(bare_system, "registry")
    try:
        return await admit(bare_system)
    finally:
        life.kill()


@pytest.mark.parametrize("point", SOME)
async def test_the_registry_dies_at(bare_system: LocalSystem, city: Organisation, point: str) -> None:
    await _dies_at(bare_system, city, f"{point}:1")


@pytest.mark.long
@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("point", POINTS)
async def test_the_registry_dies_again_at(
    bare_system: LocalSystem, city: Organisation, point: str, times: int
) -> None:
    await _dies_at(bare_system, city, f"{point}:{times}")


async def _dies_at(system: LocalSystem, city: Organisation, moment: str) -> None:
    first = begin(system, "registry", moment)
    second: Life | None = None
    try:
        async with asyncio.timeout(90), asyncio.TaskGroup() as tasks:
            working = tasks.create_task(_work_until_it_ends(first, city))
            await first.ends(60)
            second = begin(system, "registry")
        for work in working.result():
            await work.is_answered_once()
        await law_holds(system, "registry", [city, operator_of(system)])
    finally:
        for life in filter(None, (first, second)):
            life.kill()


async def _work_until_it_ends(life: Life, city: Organisation) -> list[Workload]:
    """Rounds of work, until the service has killed itself and another has done what was left."""
    rounds: list[Workload] = []
    while not rounds or not life.has_ended:
        events = [city.event("initiative-registered", initiative()) for _ in range(32)]
        rounds.append(Workload(city, "registry", events[:24], events[24:], repeated=events[:4]))
        await rounds[-1].run()
    return rounds
