"""The running notifier, pulled: the feed equals Kafka, byte for byte, and a subscription is a view of the feed."""

import asyncio

from samenspel.contracts.canonical import to_lines, to_structured
from samenspel.contracts.catalogue import type_name
from samenspel.contracts.topics import INITIATIVES

from tests.support.events import new_id
from tests.support.reading import canonical
from tests.support.submitting import post
from tests.support.subscribers import Admit, applied, subjects, subscriber_for, tell
from tests.support.waiting import eventually


async def test_feed_equals_kafka_byte_for_byte(organisation: Admit) -> None:
    city = await organisation()
    async with subscriber_for(city) as subscriber:
        await applied(subscriber, await tell(city, changes=4), 5)
        base = city.system.services.urls()["notifier"]
        lines: list[bytes] = []
        cursor, more = "", True
        while more:
            query = {"after": cursor, "limit": "7"}
            async with subscriber.http.get(f"{base}/v1/feed", params=query) as response:
                lines += [line.lstrip(b",") for line in (await response.read()).splitlines() if line[:1] in b",{"]
                cursor, more = response.headers["Samenspel-Cursor"], response.headers["Samenspel-More"] == "true"
        records = await canonical(city, INITIATIVES)
    of_the_log = [to_structured(to_lines(record.headers), record.value or b"") for record in records]
    told = [line for line in lines if b'"lane":"samenspel.initiatives/' in line]
    assert len(set(lines)) == len(lines)
    assert sorted(told) == sorted(set(of_the_log))
    for lane in range(4):
        place = b'"lane":"samenspel.initiatives/%d"' % lane
        assert [line for line in told if place in line] == [line for line in of_the_log if place in line]


async def test_bad_cursor_and_a_missing_token_are_refused(organisation: Admit) -> None:
    async with subscriber_for(await organisation()) as subscriber:
        status, headers, _ = await subscriber.call("GET", "/feed", params={"after": "here"})
        assert (status, headers["content-type"]) == (400, "application/problem+json")
        status, _, _ = await subscriber.call("GET", "/feed", headers={"authorization": ""})
        assert status == 401


async def test_waiting_reader_gets_a_new_event_at_once(organisation: Admit) -> None:
    city = await organisation()
    async with subscriber_for(city) as subscriber:
        cursor = await applied(subscriber, city.oin, 1)
        waiting = asyncio.create_task(subscriber.pages("/feed", after=cursor, waitSeconds=20))
        subject = await tell(city)
        heard, _ = await asyncio.wait_for(waiting, 10)
        assert subjects(heard) == [subject]


async def test_subscription_begins_now_or_at_the_first_event(organisation: Admit) -> None:
    city = await organisation()
    registered = [type_name("initiative-registered")]
    async with subscriber_for(city) as subscriber:
        before = await tell(city, changes=1)
        await applied(subscriber, before, 2)
        now = await subscriber.subscribe(types=registered, start="now")
        first = await subscriber.subscribe(types=registered, start="beginning")
        after = await tell(city)
        await applied(subscriber, after, 1)
        from_now, _ = await subscriber.pages(f"/subscriptions/{now}/events")
        from_first, cursor = await subscriber.pages(f"/subscriptions/{first}/events")
        assert after in subjects(from_now) and before not in subjects(from_now)
        assert subjects(from_first).count(before) == 1 and after in subjects(from_first)
        assert {event["type"] for event in from_first} == set(registered)

        status, _, _ = await subscriber.call("POST", f"/subscriptions/{first}/_acknowledge", json={"cursor": cursor})
        assert status == 204
        assert before not in subjects((await subscriber.pages("/feed", subscriptionId=first))[0])


async def test_push_without_a_public_address_is_refused(organisation: Admit) -> None:
    async with subscriber_for(await organisation()) as subscriber:
        for wanted in (
            {"endpoint": "http://10.0.0.1/"},
            {"delivery": "push"},
            {"types": ["nl.samenspel.nothing.v1"]},
        ):
            status, headers, body = await subscriber.call("POST", "/subscriptions", json=wanted)
            assert (status, headers["content-type"]) == (400, "application/problem+json"), body


async def test_subscription_can_be_submitted_as_an_event(organisation: Admit) -> None:
    city = await organisation()
    async with subscriber_for(city) as subscriber:
        identity = new_id()
        stated = {"subscription_id": identity, "start": "beginning", "delivery": "pull"}
        answer = await post(city, "notifier", city.event("subscription-created", stated))
        assert answer.status in (200, 202), answer

        async def told() -> bool:
            status, _, page = await subscriber.call("GET", f"/subscriptions/{identity}/events")
            return status == 200 and identity in subjects(page)

        await eventually(told)
