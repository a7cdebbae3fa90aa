"""An instance whose database is silent leaves its organisations to another one, though Kafka still hears of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import aiohttp
from samenspel.contracts.topics import ingress

from deploy.local.system import LocalSystem
from tests.chaos.group import Assignment, Group
from tests.chaos.storm.fleet import free_port
from tests.chaos.workload import Workload, law_holds
from tests.kit.events import initiative
from tests.kit.lives import begin, through
from tests.kit.organisations import Organisation, admit, operator_of
from tests.kit.proxy import Proxy
from tests.kit.waiting import eventually


async def test_others_serve_what_it_held_and_it_comes_back(bare_system: LocalSystem) -> None:
    port = bare_system.ports.remembered("postgres")
    assert port is not None
    group = Group(bare_system)
    with Proxy(port) as proxy:
        async with _two_registries(bare_system, proxy, group) as behind_the_proxy:
            city = await _city_of(bare_system, group, behind_the_proxy)
            work = [_work(city) for _ in range(3)]
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
            await law_holds(bare_system, "registry", [city, operator_of(bare_system)])


@asynccontextmanager
async def _two_registries(system: LocalSystem, proxy: Proxy, group: Group) -> AsyncIterator[str]:
    """The first reaches PostgreSQL through the proxy, the second does not; gives the first one's id in the group."""
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


async def _city_of(system: LocalSystem, group: Group, member: str) -> Organisation:
    """One whose ingress that member reads."""
    while True:
        city = await admit(system)
        topic = ingress("initiatives", city.oin)

        async def assigned(topic: str = topic) -> Assignment:
            shared = await group.is_shared()
            return shared if topic in set().union(*shared.values()) else {}

        if topic in (await eventually(assigned, 60, "a reader of the new ingress"))[member]:
            return city


def _work(city: Organisation) -> Workload:
    """Over Kafka only: HTTP has no instance of its own."""
    events = [city.event("initiative-registered", initiative()) for _ in range(6)]
    return Workload(city, "registry", events, [], repeated=events[:2])


async def _is_well(system: LocalSystem) -> bool:
    return await _amiss(system) == {}


async def _amiss(system: LocalSystem) -> dict[str, str] | None:
    """What the first registry says is not in order; None when it cannot be asked yet."""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as http,
            http.get(f"{system.services.urls()['registry']}/readyz") as response,
        ):
            found: dict[str, str] = (await response.json())["amiss"]
            return found
    except (aiohttp.ClientError, TimeoutError):
        return None
