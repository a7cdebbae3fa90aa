"""Slow and unfinished requests of a client cost other organisations nothing on a running service."""

import asyncio

from deploy.local.system import LocalSystem
from tests.support.events import initiative
from tests.support.organisations import admit
from tests.support.raw_http import head, many
from tests.support.submitting import STRUCTURED, post


async def test_service_answers_others_while_unfinished_requests_hang(system: LocalSystem) -> None:
    """500 half-sent requests, and 30 half-sent bodies, of an authenticated client."""
    city, other = await admit(system), await admit(system)
    url = city.system.services.urls()["registry"]
    token = ("authorization", f"Bearer {city.credential.token}")
    begun = head("/v1/events", [token, ("content-type", STRUCTURED), ("content-length", "100")])
    async with many(url, 500) as heads, many(url, 30) as bodies:
        await asyncio.gather(*(wire.send(b"POST /v1/events HTTP/1.1\r\nx: ") for wire in heads))
        await asyncio.gather(*(wire.send(begun + b"{") for wire in bodies))
        event = other.event("initiative-registered", initiative())
        assert (await post(other, "registry", event)).outcome == "accepted"
