"""Webhook deliveries to a network organisation: each delivery is signed and verified."""

import asyncio
from types import TracebackType
from typing import Any, Final, Self

import aiohttp
from samenspel.client.access.profile import Profile
from samenspel.client.read.webhook_receiver import WebhookReceiver
from samenspel.contracts.catalogue import type_name

from deploy.demo.errors import DemoFailed
from deploy.demo.outcome import DeliveryTotals

DELIVERY_SECONDS_MAX: Final = 30.0
POLL_SECONDS: Final = 0.1
TYPES: Final = tuple(
    type_name(stem)
    for stem in ("grant-awarded", "grant-awarded-in-part", "application-refused", "rollout-milestone-reached")
)


class Webhook:
    """A webhook receiver with a subscription of ``organisation`` (an OIN) to `TYPES`, from the beginning.

    An async context manager. The exit cancels the subscription, so that no delivery is sent to a stopped receiver.
    """

    def __init__(self, profile: Profile, organisation: str) -> None:
        self._url = f"{profile.system().http['notifier']}/v1/subscriptions"
        self._token = profile.credential(organisation).token
        self._receiver = WebhookReceiver()

    async def __aenter__(self) -> Self:
        await self._receiver.__aenter__()
        self._session = aiohttp.ClientSession(headers={"authorization": f"Bearer {self._token}"})
        wanted = {"endpoint": self._receiver.url, "types": TYPES, "start": "beginning"}
        made = await self._request("POST", self._url, json=wanted)
        self._subscription = f"{self._url}/{made['subscription_id']}"
        self._receiver.secret = made["secret"]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        async with self._session:
            await self._request("DELETE", self._subscription)
        await self._receiver.__aexit__(kind, error, at)

    async def wait_for_deliveries(self, expected: int) -> DeliveryTotals:
        """Totals after ``expected`` deliveries, or after `DELIVERY_SECONDS_MAX`."""
        figures: dict[str, Any] = {}
        try:
            async with asyncio.timeout(DELIVERY_SECONDS_MAX):
                await self._receiver.wait_for(expected)
                while figures.get("sent", 0) < expected:
                    await asyncio.sleep(POLL_SECONDS)
                    figures = (await self._request("GET", self._subscription))["figures"]
        except TimeoutError:
            figures = (await self._request("GET", self._subscription))["figures"]
        return DeliveryTotals(sent=figures["sent"], verified=len(self._receiver.events))

    async def _request(self, method: str, url: str, **body: Any) -> Any:
        async with self._session.request(method, url, **body) as response:
            if not response.ok:
                raise DemoFailed(
                    f"the notifier answered {response.status} to {method} {url}: {await response.text()}"
                )
            return None if response.status == 204 else await response.json()
