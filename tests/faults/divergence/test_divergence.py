"""Forged events on a lane: nothing that needs the lane is decided, deferred or lost, and others are unaffected."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest
from samenspel.contracts.topics import Service, ingress

from deploy.local.services import ALL
from deploy.local.system import LocalSystem
from tests.conftest import running
from tests.faults.restore.operator_commands import amiss, is_ready, recover, samenspel
from tests.support.database import rows
from tests.support.events import new_id
from tests.support.forged_events import forge, lane_of_organisation, last_event
from tests.support.funding_round import Round, accepted
from tests.support.organisations import Organisation, admit
from tests.support.reading import answers_of, answers_to
from tests.support.submitting import post, send
from tests.support.waiting import eventually

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def own_system() -> Iterator[LocalSystem]:
    """A system of these tests alone: a forged event stays in Kafka for good."""
    with running(ALL) as started:
        yield started


@pytest.fixture
async def rijk(own_system: LocalSystem) -> Organisation:
    return await admit(own_system, kind="ministry", roles=("grant-authority",))


@pytest.fixture
async def city(own_system: LocalSystem, rijk: Organisation) -> AsyncIterator[Organisation]:
    """A city on another lane than the ministry, known to funding; its lane is repaired after the test."""
    found = await admit(own_system)
    while lane_of_organisation(found) == lane_of_organisation(rijk):
        found = await admit(own_system)
    await eventually(lambda: known_to_funding(found))
    yield found
    if await diverged(found):
        await repair(found)


async def known_to_funding(organisation: Organisation) -> bool:
    query = "select from projection where (aggregate, subject) = ('organisation.v1', $1)"
    return bool(await rows(organisation.system, "funding", query, organisation.oin))


async def diverged(organisation: Organisation, service: Service = "funding") -> str:
    """The reason in ``/readyz`` for the divergence of the lane of this organisation; empty without a divergence."""
    topic, lane = lane_of_organisation(organisation)
    return (await amiss(organisation.system, service)).get(f"lane {topic}/{lane} diverged", "")


async def repair(city: Organisation) -> None:
    """The operator starts a new timeline on the lane, which followers build again, and recovers the other lanes."""
    topic, lane = lane_of_organisation(city)
    command = ("lanes", "new-timeline", "registry", f"{topic}/{lane}", "--why", "forged event")
    done = await samenspel(city.system, *command)
    assert done.returncode == 0, done.stderr
    await recover(city.system, "registry")
    for service in ALL:
        await is_ready(city.system, service)


async def is_held(system: LocalSystem) -> bool:
    """Whether funding does not read the ingress of one organisation."""
    url = f"{system.services.urls()['funding']}/metrics"
    async with aiohttp.ClientSession() as session, session.get(url) as page:
        return "\nsamenspel_ingress_held 1.0" in await page.text()


async def traces(city: Organisation) -> list[Any]:
    """The rows of funding about submissions of this city."""
    found = []
    for table in ("submission", "deferral"):
        found += await rows(city.system, "funding", f"select * from {table} where organisation = $1", city.oin)  # noqa: S608
    return found


async def read_feed(organisation: Organisation) -> int:
    headers = {"authorization": f"Bearer {organisation.credential.token}"}
    url = f"{organisation.system.services.urls()['notifier']}/v1/feed?limit=1"
    async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as response:
        return response.status


async def test_forged_role_is_not_applied_and_nothing_that_needs_the_lane_is_decided(
    own_system: LocalSystem, rijk: Organisation, city: Organisation
) -> None:
    """Finding A6: one event with a wrong digest made a city a grant authority."""
    await forge(own_system, await last_event(city), {"roles": ["grant-authority"], "version": 2})
    await eventually(lambda: diverged(city))
    await eventually(lambda: diverged(city, "notifier"))
    topic, lane = lane_of_organisation(city)

    forbidden = Round(city, rijk, new_id()).opened(10**12)
    answer = await post(city, "funding", forbidden)
    assert answer.status == 503
    assert f"{topic}/{lane}" in answer.body["detail"]
    await send(city, [forbidden], "funding")
    await eventually(lambda: is_held(own_system))
    assert await traces(city) == []
    assert await read_feed(city) == 200, "admission is judged by the last state before the divergence"

    await accepted(rijk, Round(rijk, city, new_id()).opened(1_000))
    by_kafka = Round(rijk, city, new_id()).opened(1_000)
    await send(rijk, [by_kafka], "funding")
    assert (await answers_to(rijk, [by_kafka["id"]], "funding"))[by_kafka["id"]]["outcome"] == "accepted"

    own_system.daemons()["funding"].kill()
    await eventually(lambda: diverged(city), 60, "the same after a restart")
    await eventually(lambda: is_held(own_system), 60)
    assert (await post(city, "funding", forbidden)).status == 503
    assert await traces(city) == await answers_of(city, "funding") == []
    await repair(city)
    after = (await answers_to(city, [forbidden["id"]], "funding"))[forbidden["id"]]
    assert [problem["code"] for problem in after["problems"]] == ["not-permitted"]
    query = "select next_offset from ingress_offset where topic = $1"
    [offset] = await rows(own_system, "funding", query, ingress("funding", city.oin))
    assert offset["next_offset"] == 1


@pytest.mark.parametrize(
    ("timeline", "changes", "reason"),
    [
        (2**31 - 1, {}, "to 2147483647"),
        (2**31 - 1, {"sequence": "1"}, "begins with another event"),
        (2**31, {}, "no canonical event"),
        (2**40, {"sequence": "1"}, "no canonical event"),
    ],
)
async def test_forged_timeline_discards_no_copy_and_readyz_names_the_lane(
    own_system: LocalSystem,
    rijk: Organisation,
    city: Organisation,
    timeline: int,
    changes: dict[str, str],
    reason: str,
) -> None:
    await forge(own_system, await last_event(city), timeline=str(timeline), **changes)
    await eventually(lambda: diverged(city))
    assert reason in await diverged(city)
    assert await known_to_funding(city)
    answer = await post(city, "funding", Round(city, rijk, new_id()).opened(1_000))
    assert answer.status == 503
    await accepted(rijk, Round(rijk, city, new_id()).opened(1_000))
