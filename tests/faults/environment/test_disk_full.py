"""The disk of PostgreSQL or of Kafka is full: the registry says so, loses nothing, and goes on when there is room."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import aiohttp
import pytest
import pytest_asyncio

from deploy.local.system import LocalSystem
from tests.conftest import running
from tests.faults.environment.small_disk import MEGABYTE, small_disk
from tests.faults.workload import Workload, law_holds, post_until_answered
from tests.support.events import Event, initiative
from tests.support.organisations import Organisation, admit, operator_of
from tests.support.service_process import Life, begin_ready
from tests.support.submitting import Answer, post
from tests.support.waiting import eventually

pytestmark = [pytest.mark.long, pytest.mark.system]
ROOM = 48 * MEGABYTE
"""Enough to work in: three segments of PostgreSQL's log."""
TEXT = "Een laadplein met slimme sturing op netcapaciteit. " * 60


@pytest.fixture
def quiet_system() -> Iterator[LocalSystem]:
    """A system for this test only: the servers stop while files move to a small disk."""
    with running(()) as system:
        system.services.claim_ports(["registry", "funding", "notifier"])
        yield system


@pytest_asyncio.fixture
async def registry(quiet_system: LocalSystem) -> AsyncIterator[Life]:
    life = await begin_ready(quiet_system, "registry")
    yield life
    life.kill()


async def test_registry_loses_nothing_while_the_disk_of_postgres_is_full(
    quiet_system: LocalSystem, registry: Life
) -> None:
    postgres = quiet_system.postgres
    city = await admit(quiet_system)
    await asyncio.to_thread(postgres.stop)
    with small_disk(quiet_system.home.postgres, ROOM) as disk:
        try:
            await asyncio.to_thread(postgres.start)
            before = await _worked(quiet_system, city)
            disk.fill()
            refused = await _refused(city)
            disk.make_room()
            await asyncio.to_thread(postgres.start)  # or continue with the surviving process
            await _goes_on(quiet_system, registry, city, [before], refused)
        finally:
            await asyncio.to_thread(postgres.stop)


async def test_registry_loses_nothing_while_the_disk_of_kafka_is_full(
    quiet_system: LocalSystem, registry: Life
) -> None:
    kafka = quiet_system.kafka
    city = await admit(quiet_system)
    await asyncio.to_thread(kafka.stop)
    with small_disk(quiet_system.home.kafka_data, ROOM) as disk:
        try:
            await asyncio.to_thread(kafka.start)
            before = await _worked(quiet_system, city)
            disk.fill()
            taken = await _taken_until_not_ready(quiet_system, city)
            disk.make_room()
            await asyncio.to_thread(kafka.stop)
            await asyncio.to_thread(kafka.start)
            await _goes_on(quiet_system, registry, city, [before], taken)
        finally:
            await asyncio.to_thread(kafka.kill)


async def _worked(system: LocalSystem, city: Organisation) -> Workload:
    await eventually(lambda: _ready(system), 90, "a ready registry")
    events = [city.event("initiative-registered", initiative()) for _ in range(20)]
    work = Workload(city, "registry", events[:10], events[10:], repeated=events[:2])
    await work.run()
    await work.is_answered_once()
    return work


async def _refused(city: Organisation) -> list[Event]:
    """Post until a refusal and until the service is not ready; returns all posted events."""
    posted: list[Event] = []

    async def refused() -> bool:
        posted.append(city.event("initiative-registered", initiative(summary=TEXT)))
        answer = await _posted(city, posted[-1])
        return answer is None or answer.status >= 500

    await eventually(refused, 90, "a refusal")
    await eventually(lambda: _not_ready(city.system), 30, "a registry that says it is not ready")
    return posted


async def _taken_until_not_ready(system: LocalSystem, city: Organisation) -> list[Event]:
    """Without Kafka the registry's journal accepts HTTP submissions, and the service reports not ready."""
    posted: list[Event] = []

    async def not_ready() -> bool:
        posted.append(city.event("initiative-registered", initiative(summary=TEXT)))
        await _posted(city, posted[-1])
        return await _not_ready(system)

    await eventually(not_ready, 90, "a registry that says it is not ready")
    return posted


async def _posted(city: Organisation, event: Event) -> Answer | None:
    """None when there was no answer."""
    with suppress(aiohttp.ClientError, TimeoutError):
        return await post(city, "registry", event)
    return None


async def _goes_on(
    system: LocalSystem, registry: Life, city: Organisation, done: list[Workload], posted: list[Event]
) -> None:
    """Answered submissions stand, unanswered submissions are decided after a repeat, and new work succeeds."""
    await eventually(lambda: _ready(system), 90, "a ready registry")
    for event in posted:
        assert (await post_until_answered(city, "registry", event)).outcome in {"accepted", "repeated"}
    for work in (*done, await _worked_on(city)):
        await work.is_answered_once()
    assert not registry.has_ended
    lanes = await law_holds(system, "registry", [city, operator_of(system)])
    causes = {cause for lane in lanes.values() for cause in lane.events_of}
    assert {(city.oin, city.source, event["id"]) for event in posted} <= causes


async def _worked_on(city: Organisation) -> Workload:
    event = city.event("initiative-registered", initiative())
    work = Workload(city, "registry", [event], [])
    await work.run()
    return work


async def _ready(system: LocalSystem) -> bool:
    return await asyncio.to_thread(system.services.is_ready, "registry")


async def _not_ready(system: LocalSystem) -> bool:
    return not await _ready(system)
