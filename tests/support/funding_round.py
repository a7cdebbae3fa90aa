"""A funding round on the running system: an authority, an applicant, their submissions and views."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
from aiokafka import ConsumerRecord

from tests.support.events import Event, new_id
from tests.support.organisations import Organisation
from tests.support.submitting import Answer, post
from tests.support.waiting import eventually

DECIDED_ON = "2026-04-01"


@dataclass(frozen=True)
class Round:
    rijk: Organisation
    city: Organisation
    programme_id: str

    def opened(self, ceiling_cents: int, **changes: Any) -> Event:
        data = {
            "programme_id": self.programme_id,
            "name": "Regio Deals",
            "ceiling_cents": ceiling_cents,
            "instrument": "subsidie",
            "legal_basis": "Subsidieregeling regiodeals",
            "period": {"start": "2026-01-01"},
            "distribution_method": "order-of-receipt",
        }
        return self.rijk.event("programme-opened", data | changes)

    def application(self, requested_cents: int, **changes: Any) -> Event:
        data = {
            "programme_id": self.programme_id,
            "application_id": new_id(),
            "beneficiary": {"name": "Regio Twente"},
            "activity": "Laadpleinen in drie wijken",
            "requested_cents": requested_cents,
        }
        return self.city.event("application-submitted", data | changes)

    def grant(self, application: Event, **changes: Any) -> Event:
        """A grant of the full amount, unless ``changes`` say otherwise."""
        stated = application["data"]
        data = {
            "programme_id": stated["programme_id"],
            "application_id": stated["application_id"],
            "outcome": "grant",
            "amount_cents": stated["requested_cents"],
            "decided_on": DECIDED_ON,
        }
        return self.rijk.event("application-decided", data | changes)

    def refusal(self, application: Event, *grounds: str) -> Event:
        refused = self.grant(application, outcome="refuse", grounds=list(grounds))
        del refused["data"]["amount_cents"]
        return refused

    async def programme(self) -> dict[str, Any]:
        return await self.show(f"/v1/programmes/{self.programme_id}")

    async def state_of(self, application: Event) -> dict[str, Any]:
        return await self.show(f"/v1/applications/{application['data']['application_id']}")

    async def show(self, path: str, status: int = 200) -> dict[str, Any]:
        """The service's public view."""
        url = self.rijk.system.services.urls()["funding"] + path
        timeout = aiohttp.ClientTimeout(total=30)
        headers = {"authorization": f"Bearer {self.rijk.credential.token}"}
        async with aiohttp.ClientSession(timeout=timeout, headers=headers) as session, session.get(url) as response:
            body: dict[str, Any] = orjson.loads(await response.read())
            assert response.status == status, body
            return body


async def accepted(by: Organisation, event: Event) -> None:
    """Submit over HTTP and wait for the final answer: organisations may still be unknown to this service."""
    answer = await settled(by, event)
    assert answer.body.get("first_outcome", answer.outcome) == "accepted", answer


async def settled(by: Organisation, event: Event) -> Answer:
    """The final answer: posting again gives the present outcome."""

    async def final() -> Answer:
        answer = await post(by, "funding", event)
        assert answer.body.get("first_outcome", answer.outcome) != "deferred", answer
        return answer

    return await eventually(final)


def most_granted(records: Iterable[ConsumerRecord]) -> Counter[str]:
    """Cents granted per programme, from the log alone; raises if any prefix exceeds a ceiling."""
    ceilings: dict[str, int] = {}
    granted: Counter[str] = Counter()
    for record in records:
        state = orjson.loads(record.value)
        programme = state["programme_id"]
        ceilings.setdefault(programme, state.get("ceiling_cents", 0))
        if decision := state.get("decision"):
            assert decision["room_before_cents"] == ceilings[programme] - granted[programme], state
            granted[programme] += decision["granted_cents"]
            assert decision["room_after_cents"] == ceilings[programme] - granted[programme] >= 0, state
    return granted
