"""Floods of one organisation on a running system: refusals for that organisation, the usual answers for another."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
from samenspel.contracts.topics import Service

from deploy.local.system import LocalSystem
from tests.support.events import initiative
from tests.support.organisations import Organisation, admit
from tests.support.submitting import post, post_raw
from tests.support.subscribers import applied, subscriber_for
from tests.support.waiting import eventually

FLOOD = 150
LONG_POLL = "/v1/feed?limit=1&waitSeconds=600&after={cursor}"
Request = Callable[[aiohttp.ClientSession], Awaitable[int]]


@asynccontextmanager
async def flooding(organisation: Organisation, request: Request, number: int = FLOOD) -> AsyncIterator[Counter[int]]:
    """So many clients that repeat a request without a pause, whatever the answer; the statuses."""
    statuses: Counter[int] = Counter()
    headers = {"authorization": f"Bearer {organisation.credential.token}"}
    connector = aiohttp.TCPConnector(limit=number)

    async def repeat(session: aiohttp.ClientSession) -> None:
        while True:
            statuses[await request(session)] += 1

    async with aiohttp.ClientSession(headers=headers, connector=connector) as session:
        clients = [asyncio.create_task(repeat(session)) for _ in range(number)]
        try:
            yield statuses
        finally:
            for client in clients:
                client.cancel()
            await asyncio.gather(*clients, return_exceptions=True)


def getting(url: str) -> Request:
    async def get(session: aiohttp.ClientSession) -> int:
        async with session.get(url) as response:
            await response.read()
            return response.status

    return get


class Poll:
    """A long poll after the last event that one of the clients has read, so that every client waits at last.

    ``refusals`` are the code and the ``Retry-After`` of each response 429.
    """

    def __init__(self, notifier: str, cursor: str) -> None:
        self.notifier, self.cursor = notifier, cursor
        self.refusals: list[tuple[str, str]] = []

    async def __call__(self, session: aiohttp.ClientSession) -> int:
        async with session.get(self.notifier + LONG_POLL.format(cursor=self.cursor)) as response:
            if response.status == 429:
                problem = await response.json(content_type="application/problem+json")
                self.refusals.append((problem["errors"][0]["code"], response.headers["Retry-After"]))
            self.cursor = response.headers.get("Samenspel-Cursor", self.cursor)
            return response.status


async def read(organisation: Organisation, service: Service, path: str) -> tuple[int, str]:
    """The status of a read, and the cursor of the page."""
    headers = {"authorization": f"Bearer {organisation.credential.token}"}
    url = organisation.system.services.urls()[service] + path
    async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as response:
        await response.read()
        return response.status, response.headers.get("Samenspel-Cursor", "")


async def metric(system: LocalSystem, service: Service, name: str, **labels: str) -> float:
    """A figure of ``/metrics``; 0 without a series."""
    async with aiohttp.ClientSession() as session, session.get(f"{system.services.urls()[service]}/metrics") as page:
        lines = (await page.text()).splitlines()
    wanted = [f'{label}="{value}"' for label, value in labels.items()]
    return sum(
        float(line.rpartition(" ")[2])
        for line in lines
        if line.startswith(f"{name}{{") and all(w in line for w in wanted)
    )


async def end_of_feed(reader: Organisation, *others: Organisation) -> str:
    """The cursor after all present events, once the feed has the admissions of these organisations."""
    async with subscriber_for(reader) as subscriber:
        for each in others:
            await applied(subscriber, each.oin, 1)
        return await applied(subscriber, reader.oin, 1)


async def test_flood_of_long_polls_leaves_another_organisation_served(system: LocalSystem) -> None:
    flooder, neighbour = await admit(system), await admit(system)
    async with flooding(flooder, Poll(system.services.urls()["notifier"], await end_of_feed(neighbour))) as statuses:
        await eventually(lambda: statuses[429] > 20, 30)
        use = {"limit": "open-streams", "organisation": flooder.oin}
        await eventually(lambda: metric(system, "notifier", "samenspel_limit_reached_total", **use), 30)
        cursor = await end_of_feed(neighbour)
        polling = asyncio.create_task(read(neighbour, "notifier", LONG_POLL.format(cursor=cursor)))
        for _ in range(5):
            assert (await read(neighbour, "notifier", "/v1/subscriptions"))[0] == 200
        answer = await post(neighbour, "registry", neighbour.event("initiative-registered", initiative()))
        assert answer.outcome == "accepted"
        status, after = await asyncio.wait_for(polling, 20)
        assert status == 200
        assert after != cursor, "the long poll of the neighbour has the new event"
    assert set(statuses) <= {200, 429}, statuses
    await eventually(lambda: _is_free(system, flooder), 30, "no use after the flood")


async def _is_free(system: LocalSystem, organisation: Organisation) -> bool:
    return not await metric(system, "notifier", "samenspel_limit_use", organisation=organisation.oin)


async def test_flood_of_requests_leaves_another_organisation_served(system: LocalSystem) -> None:
    """Two organisations flood with reads and with submissions; a third is answered."""
    reader, submitter, neighbour = await admit(system), await admit(system), await admit(system)
    registry = system.services.urls()["registry"]
    stated = submitter.event("initiative-registered", initiative())

    async def submit(_: aiohttp.ClientSession) -> int:
        return (await post(submitter, "registry", stated)).status

    async with (
        flooding(reader, getting(f"{registry}/v1/initiatives")) as reads,
        flooding(submitter, submit, 30) as submissions,
    ):
        await eventually(lambda: reads[200] > 50 and submissions[200] > 20, 60)
        for _ in range(5):
            event = neighbour.event("initiative-registered", initiative())
            assert (await post(neighbour, "registry", event)).outcome == "accepted"
            assert (await read(neighbour, "registry", "/v1/organisations"))[0] == 200
    assert set(reads) | set(submissions) <= {200, 429}, (reads, submissions)


async def test_refused_request_names_the_limit_and_the_time_to_wait(system: LocalSystem) -> None:
    flooder = await admit(system)
    poll = Poll(system.services.urls()["notifier"], await end_of_feed(flooder))
    async with flooding(flooder, poll, 8):
        await eventually(lambda: poll.refusals, 30)
    assert poll.refusals[0] == ("limit-reached", "1")


async def test_batch_of_nothing_readable_is_refused_without_a_word_to_the_neighbour(system: LocalSystem) -> None:
    """Refusals of one organisation do not change the answers to another."""
    flooder, neighbour = await admit(system), await admit(system)
    for body in (b"[]", b"[1]", b"{"):
        answer = await post_raw(flooder, "registry", body, {"content-type": "application/cloudevents+json"})
        assert answer.status == 400
    answer = await post(neighbour, "registry", neighbour.event("initiative-registered", initiative()))
    assert answer.outcome == "accepted"
