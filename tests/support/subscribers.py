"""The actions of a test as an organisation: submit, and ask the notifier for the deliveries."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from tests.support.events import initiative
from tests.support.organisations import Organisation
from tests.support.submitting import post
from tests.support.waiting import eventually
from tests.support.webhook_receivers import Event

Admit = Callable[..., Awaitable[Organisation]]


@dataclass(frozen=True, slots=True)
class Subscriber:
    """The notifier's interface, as used by an organisation."""

    organisation: Organisation
    http: aiohttp.ClientSession

    async def call(self, method: str, path: str, **more: Any) -> tuple[int, Any, Any]:
        """Status, headers, and the body as JSON."""
        url = f"{self.organisation.system.services.urls()['notifier']}/v1{path}"
        async with self.http.request(method, url, **more) as response:
            body = await response.read()
            return response.status, response.headers, orjson.loads(body) if body else None

    async def subscribe(self, **wanted: Any) -> str:
        """A new subscription's id."""
        status, _, body = await self.call("POST", "/subscriptions", json=wanted)
        assert status == 201, body
        return str(body["subscription_id"])

    async def shown(self, identity: str) -> Any:
        status, _, body = await self.call("GET", f"/subscriptions/{identity}")
        assert status == 200, body
        return body

    async def pages(self, path: str, **query: Any) -> tuple[list[Event], str]:
        """All present events of a feed, page by page, and the cursor after them."""
        events: list[Event] = []
        while True:
            status, headers, page = await self.call("GET", path, params=query)
            assert status == 200, page
            events += page
            query["after"] = headers["Samenspel-Cursor"]
            if headers["Samenspel-More"] == "false":
                return events, query["after"]


@asynccontextmanager
async def subscriber_for(organisation: Organisation) -> AsyncIterator[Subscriber]:
    headers = {"authorization": f"Bearer {organisation.credential.token}"}
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as http:
        yield Subscriber(organisation, http)


async def tell(organisation: Organisation, changes: int = 0, **first: str) -> str:
    """A new initiative with this number of changes; returns the id, the subject of ``1 + changes`` events."""
    stated = initiative(**first)
    identity = str(stated["initiative_id"])
    assert (await post(organisation, "registry", organisation.event("initiative-registered", stated))).status == 200
    for version in range(1, changes + 1):
        changed = {"initiative_id": identity, "based_on_version": version, "title": f"Versie {version + 1}"}
        answer = await post(organisation, "registry", organisation.event("initiative-changed", changed))
        assert answer.status == 200, answer
    return identity


async def applied(subscriber: Subscriber, subject: str, number: int) -> str:
    """Wait until the feed has this number of events of a subject; returns the cursor after them."""

    async def found() -> str | None:
        events, cursor = await subscriber.pages("/feed")
        return cursor if sum(event["subject"] == subject for event in events) == number else None

    return await eventually(found)


def subjects(events: list[Event]) -> list[str]:
    return [event["subject"] for event in events]
