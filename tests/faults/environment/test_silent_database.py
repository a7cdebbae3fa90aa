"""An instance with a silent database leaves the consumer group to another instance, although Kafka still hears it."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial

import aiohttp
import pytest
from samenspel.contracts.topics import ingress

from deploy.local.system import LocalSystem
from tests.faults.consumer_group import Assignment, Group
from tests.faults.storm.instances import free_port
from tests.faults.workload import Workload, law_holds
from tests.support.events import initiative
from tests.support.organisations import Organisation, admit, operator_of
from tests.support.proxy import Proxy
from tests.support.service_process import begin, through
from tests.support.waiting import eventually


@pytest.mark.long
async def test_instance_without_its_database_leaves_its_partitions_and_rejoins(bare_system: LocalSystem) -> None:
    port = bare_system.ports.remembered("postgres")
    assert port is not None
    group = Group(bare_system)
    with Proxy(port) as proxy:
        async with _two_registries(bare_system, proxy, group) as behind_the_proxy:
            served = await _one_read_by(behind_the_proxy, bare_system, group)
            work = [_work(served) for _ in range(3)]
            await work[0].run()
            proxy.half_open()
            await work[1].run()
            await work[1].is_answered_once()
            assert "database" in await _amiss(bare_system)
            await asyncio.to_thread(proxy.heal)
            await eventually(partial(_is_well, bare_system), 60, "a registry that is ready again")
            await eventually(group.is_shared, 60, "two registries that share the ingress again")
            await work[2].run()
            for each in work:
                await each.is_answered_once()
            await law_holds(bare_system, "registry", [served, operator_of(bare_system)])


@asynccontextmanager
async def _two_registries(system: LocalSystem, proxy: Proxy, group: Group) -> AsyncIterator[str]:
    """The first registry reaches PostgreSQL through the proxy, the second directly. Returns the first's member id."""
    lives = [begin(system, "registry", changes=through(system, "registry", postgres=proxy))]
    try:
        await eventually(partial(_is_well, system), 60, "a ready registry")
        (first,) = await group.members()
        lives.append(begin(system, "registry", port=free_port(), name="registry-2"))
        yield first
        assert not any(life.has_ended for life in lives)
    finally:
        for life in lives:
            life.kill()


async def _one_read_by(member: str, system: LocalSystem, group: Group) -> Organisation:
    """The operator or a newly admitted organisation with an ingress read by this member."""
    known = [operator_of(system)]
    while True:
        known.append(await admit(system))
        topics = {ingress("initiatives", each.oin): each for each in known}

        async def assigned(topics: Iterable[str] = topics) -> Assignment:
            shared = await group.is_shared()
            return shared if set().union(*shared.values()).issuperset(topics) else {}

        read = await eventually(assigned, 60, "a reader of every ingress")
        if stored := read[member] & topics.keys():
            return topics[stored.pop()]


def _work(by: Organisation) -> Workload:
    """Over Kafka only: an HTTP request always reaches a chosen instance."""
    events = [by.event("initiative-registered", initiative()) for _ in range(6)]
    return Workload(by, "registry", events, [], repeated=events[:2])


async def _is_well(system: LocalSystem) -> bool:
    return await _amiss(system) == {}


async def _amiss(system: LocalSystem) -> dict[str, str] | None:
    """The problems reported by the first registry; None if unreachable."""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as http,
            http.get(f"{system.services.urls()['registry']}/readyz") as response,
        ):
            found: dict[str, str] = (await response.json())["amiss"]
            return found
    except (aiohttp.ClientError, TimeoutError):
        return None
