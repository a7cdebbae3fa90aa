"""Kafka or PostgreSQL is unreachable while events flow, or two instances share the work: the law holds."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from deploy.local.system import LocalSystem
from tests.faults.consumer_group import Group
from tests.faults.storm.instances import free_port
from tests.faults.workload import Workload, law_holds
from tests.support.events import initiative
from tests.support.organisations import Organisation, admit, operator_of
from tests.support.reading import answers_of
from tests.support.service_process import Life, begin, begin_ready
from tests.support.waiting import eventually


@pytest_asyncio.fixture
async def registry(bare_system: LocalSystem) -> AsyncIterator[Life]:
    life = await begin_ready(bare_system, "registry")
    yield life
    life.kill()


def _kill_kafka(system: LocalSystem) -> Callable[[], None]:
    system.kafka.kill()
    return system.kafka.start


def _kill_postgres(system: LocalSystem) -> Callable[[], None]:
    system.postgres.kill()
    return system.postgres.start


def _work(city: Organisation, number: int = 60) -> Workload:
    events = [city.event("initiative-registered", initiative()) for _ in range(number)]
    return Workload(city, "registry", events[: number // 2], events[number // 2 :], repeated=events[:3])


async def _ready(system: LocalSystem) -> bool:
    return await asyncio.to_thread(system.services.is_ready, "registry")


async def _not_ready(system: LocalSystem) -> bool:
    return not await _ready(system)


@pytest.mark.parametrize("kill", [_kill_kafka, _kill_postgres], ids=["Kafka", "PostgreSQL"])
async def test_registry_loses_nothing_when_a_server_is_killed_under_load(
    bare_system: LocalSystem, registry: Life, kill: Callable[[LocalSystem], Callable[[], None]]
) -> None:
    """The service says so meanwhile, lives on, and loses nothing."""
    city = await admit(bare_system)
    before, meanwhile = _work(city), _work(city)
    await before.run()
    restart = await asyncio.to_thread(kill, bare_system)
    posting = asyncio.create_task(meanwhile.run())
    try:
        await eventually(lambda: _not_ready(bare_system), 20, "a registry that says it is not ready")
    finally:
        await asyncio.to_thread(restart)
    await eventually(lambda: _ready(bare_system), 40, "a registry that is ready again")
    await posting
    for work in (before, meanwhile):
        await work.is_answered_once()
    assert not registry.has_ended
    await law_holds(bare_system, "registry", [city, operator_of(bare_system)])


async def test_two_instances_share_the_load_and_survive_each_others_kill(
    bare_system: LocalSystem, registry: Life
) -> None:
    """Work begun by a killed instance is finished by the other instance."""
    group = Group(bare_system)
    one, other = await admit(bare_system), await admit(bare_system)
    second = begin(bare_system, "registry", port=free_port(), name="registry-2")
    third: Life | None = None
    try:
        await eventually(group.is_shared, 40, "two registries that share the ingress")
        first_work = _work(one)
        await _killed_amid(first_work, second)
        third = begin(bare_system, "registry", port=free_port(), name="registry-3")
        await eventually(group.is_shared, 40, "two registries again")
        events = [other.event("initiative-registered", initiative()) for _ in range(60)]
        second_work = Workload(other, "registry", events, [], repeated=events[:3])
        await _killed_amid(second_work, registry)
        for work in (first_work, second_work):
            await work.is_answered_once()
        await law_holds(bare_system, "registry", [one, other, operator_of(bare_system)])
    finally:
        for life in filter(None, (second, third)):
            life.kill()


async def _killed_amid(work: Workload, life: Life) -> None:
    async with asyncio.TaskGroup() as tasks:
        working = tasks.create_task(work.run(chunk=3))
        await eventually(lambda: _answered(work, 6), 30, "a few answers")
        life.kill()
        await working


async def _answered(work: Workload, number: int) -> bool:
    return len(await answers_of(work.organisation)) >= number
