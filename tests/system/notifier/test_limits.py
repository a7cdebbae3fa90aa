"""Limits of subscriptions and deliveries on a running notifier."""

import asyncio
from typing import Any

from samenspel.contracts.catalogue import type_name

from tests.support.subscribers import Admit, Subscriber, subscriber_for, tell
from tests.support.waiting import eventually
from tests.support.webhook_receivers import hangs, receiving, takes

REGISTERED = [type_name("initiative-registered")]


async def request_all(subscriber: Subscriber, endpoints: list[str]) -> list[tuple[int, Any]]:
    """Status and body of a subscription request for each endpoint, four at a time."""
    slots = asyncio.Semaphore(4)

    async def request(endpoint: str) -> tuple[int, Any]:
        async with slots:
            wanted = {"endpoint": endpoint, "types": REGISTERED}
            status, _, body = await subscriber.call("POST", "/subscriptions", json=wanted)
            return status, body

    return await asyncio.gather(*map(request, endpoints))


async def test_flood_of_subscriptions_is_refused_and_another_webhook_is_delivered(organisation: Admit) -> None:
    """Twenty subscriptions to receivers that never answer, and requests for more."""
    flooder, neighbour = await organisation(), await organisation()
    async with (
        receiving(hangs) as slow,
        receiving(takes) as good,
        subscriber_for(flooder) as flood,
        subscriber_for(neighbour) as other,
    ):
        answers = await request_all(flood, [f"{slow.url}?{number}" for number in range(30)])
        assert sorted(status for status, _ in answers) == [201] * 20 + [409] * 10
        refusal = next(body for status, body in answers if status == 409)
        assert [each["code"] for each in refusal["errors"]] == ["limit-reached"]
        assert "20 active subscriptions" in refusal["errors"][0]["detail"]
        await other.subscribe(endpoint=good.url, types=REGISTERED)
        told = [await tell(flooder) for _ in range(10)]
        await eventually(lambda: all(good.taken(subject) for subject in told), 20)
        made = [body["subscription_id"] for status, body in answers if status == 201]
        assert (await flood.call("DELETE", f"/subscriptions/{made[0]}"))[0] == 204
        [(status, _)] = await request_all(flood, [f"{slow.url}?again"])
        assert status == 201, "a cancelled subscription makes room"


async def test_endpoint_with_five_subscriptions_gets_no_sixth_and_is_free_for_others(organisation: Admit) -> None:
    first, second = await organisation(), await organisation()
    async with receiving(takes) as told, subscriber_for(first) as one, subscriber_for(second) as two:
        answers = await request_all(one, [told.url] * 7)
        assert sorted(status for status, _ in answers) == [201] * 5 + [409] * 2
        assert [status for status, _ in await request_all(two, [told.url])] == [201]
