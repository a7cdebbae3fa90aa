"""The notifier as a process: nothing is lost, left out or reordered, whatever it and the receivers go through."""

import asyncio
from collections.abc import Awaitable, Callable

from samenspel.client.receive import Receiver
from samenspel.contracts.canonical import to_lines, to_structured
from samenspel.contracts.catalogue import type_name
from samenspel.contracts.topics import INITIATIVES

from deploy.local.system import LocalSystem
from tests.kit.doors import post
from tests.kit.events import initiative, new_id
from tests.kit.organisations import Organisation
from tests.kit.reading import canonical
from tests.kit.waiting import eventually
from tests.notifier.receivers import Event, Subscriber, hangs, receiving, subscriber_for, takes

Admit = Callable[..., Awaitable[Organisation]]


async def tell(organisation: Organisation, changes: int = 0, **first: str) -> str:
    """A new initiative that is changed so many times; its id, which is the subject of ``1 + changes`` events."""
    stated = initiative(**first)
    identity = str(stated["initiative_id"])
    assert (await post(organisation, "registry", organisation.event("initiative-registered", stated))).status == 200
    for version in range(1, changes + 1):
        changed = {"initiative_id": identity, "based_on_version": version, "title": f"Versie {version + 1}"}
        answer = await post(organisation, "registry", organisation.event("initiative-changed", changed))
        assert answer.status == 200, answer
    return identity


async def applied(subscriber: Subscriber, subject: str, number: int) -> str:
    """Wait until the feed has so many events of a subject; the cursor behind them."""

    async def found() -> str | None:
        events, cursor = await subscriber.pages("/feed")
        return cursor if sum(event["subject"] == subject for event in events) == number else None

    return await eventually(found)


def subjects(events: list[Event]) -> list[str]:
    return [event["subject"] for event in events]


async def test_the_feed_has_every_event_byte_for_byte(organisation: Admit) -> None:
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


async def test_a_bad_cursor_and_a_missing_token_are_refused(organisation: Admit) -> None:
    async with subscriber_for(await organisation()) as subscriber:
        status, headers, _ = await subscriber.call("GET", "/feed", params={"after": "here"})
        assert (status, headers["content-type"]) == (400, "application/problem+json")
        status, _, _ = await subscriber.call("GET", "/feed", headers={"authorization": ""})
        assert status == 401


async def test_a_waiting_reader_hears_at_once(organisation: Admit) -> None:
    city = await organisation()
    async with subscriber_for(city) as subscriber:
        cursor = await applied(subscriber, city.oin, 1)
        waiting = asyncio.create_task(subscriber.pages("/feed", after=cursor, waitSeconds=20))
        subject = await tell(city)
        heard, _ = await asyncio.wait_for(waiting, 10)
        assert subjects(heard) == [subject]


async def test_now_begins_here_and_the_beginning_at_the_first_event(organisation: Admit) -> None:
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


async def test_push_and_pull_tell_the_same(organisation: Admit) -> None:
    city = await organisation()
    async with Receiver() as receiver, subscriber_for(city) as subscriber:
        subject = await tell(city, changes=3)
        await applied(subscriber, subject, 4)
        wanted = {"endpoint": receiver.url, "start": "beginning"}
        _, _, made = await subscriber.call("POST", "/subscriptions", json=wanted)
        receiver.secret = made["secret"]
        pulling = await subscriber.subscribe(start="beginning")

        async def same() -> bool:
            pulled, _ = await subscriber.pages(f"/subscriptions/{pulling}/events")
            return sorted(map(str, receiver.events)) == sorted(map(str, pulled))

        await eventually(same)
        assert receiver.refused == 0
        sequences = [int(event["sequence"]) for event in receiver.events if event["subject"] == subject]
        assert sequences == sorted(sequences) and len(sequences) == 4
        await eventually(lambda: _is_quiet(subscriber, made["subscription_id"]))
        assert "secret" not in await subscriber.shown(made["subscription_id"])


async def test_a_subject_that_fails_holds_up_only_itself(organisation: Admit) -> None:
    city = await organisation()

    async def refuses_once(event: Event, times: int) -> int:
        return 500 if event["data"].get("title") == "Kapot" and times == 1 else 204

    async with receiving(refuses_once) as told, subscriber_for(city) as subscriber:
        identity = await subscriber.subscribe(endpoint=told.url)
        failing = await tell(city, changes=2, title="Kapot")
        good = await tell(city, changes=2)
        await eventually(lambda: len(told.taken(good)) == 3)
        assert told.taken(failing) == []
        await eventually(lambda: len(told.taken(failing)) == 3)
        assert told.taken(failing) == sorted(told.taken(failing))
        figures = (await subscriber.shown(identity))["figures"]
        assert (figures["failed"], figures["last_error"]) == (1, "HTTP 500")


async def test_an_unavailable_receiver_is_told_when_it_is_back(organisation: Admit) -> None:
    city = await organisation()
    async with Receiver(fail=3) as receiver, subscriber_for(city) as subscriber:
        _, _, made = await subscriber.call("POST", "/subscriptions", json={"endpoint": receiver.url})
        receiver.secret = made["secret"]
        subject = await tell(city, changes=3)
        await eventually(lambda: subjects(receiver.events).count(subject) == 4, seconds=30)
        sequences = [int(event["sequence"]) for event in receiver.events if event["subject"] == subject]
        assert sequences == sorted(sequences)


async def test_a_receiver_that_hangs_or_is_not_there_delays_nobody_else(organisation: Admit) -> None:
    city = await organisation()
    async with receiving(hangs) as slow, receiving(takes) as good, subscriber_for(city) as subscriber:
        for url in (slow.url, "http://127.0.0.1:9/", good.url):
            await subscriber.subscribe(endpoint=url)
        told = [await tell(city) for _ in range(10)]
        await eventually(lambda: all(good.taken(subject) for subject in told), seconds=8)


async def test_a_receiver_that_is_gone_is_left_alone_until_it_says_otherwise(organisation: Admit) -> None:
    city = await organisation()
    there = asyncio.Event()

    async def gone(event: Event, times: int) -> int:
        return 204 if there.is_set() else 410

    async with receiving(gone) as told, subscriber_for(city) as subscriber:
        identity = await subscriber.subscribe(endpoint=told.url)

        async def disabled() -> bool:
            return bool((await subscriber.shown(identity))["figures"]["gone"])

        await eventually(disabled)
        subject = await tell(city)
        await applied(subscriber, subject, 1)
        assert told.times(subject) == 0
        there.set()
        assert (await subscriber.call("POST", f"/subscriptions/{identity}/_resume"))[0] == 204
        await eventually(lambda: told.taken(subject))


async def test_a_secret_is_replaced_without_a_moment_of_silence(organisation: Admit) -> None:
    city = await organisation()
    async with Receiver() as receiver, subscriber_for(city) as subscriber:
        _, _, made = await subscriber.call("POST", "/subscriptions", json={"endpoint": receiver.url})
        receiver.secret = made["secret"]
        status, _, rotated = await subscriber.call("POST", f"/subscriptions/{made['subscription_id']}/_rotate")
        assert status == 200 and rotated["secret"] != made["secret"]
        for secret in (made["secret"], rotated["secret"]):
            receiver.secret = secret
            subject = await tell(city)
            await eventually(lambda subject=subject: subject in subjects(receiver.events))
        assert receiver.refused == 0


async def test_what_was_pulled_and_acknowledged_is_not_pushed(organisation: Admit) -> None:
    city = await organisation()
    there = asyncio.Event()

    async def away(event: Event, times: int) -> int:
        return 204 if there.is_set() else 503

    async with receiving(away) as told, subscriber_for(city) as subscriber:
        identity = await subscriber.subscribe(endpoint=told.url)
        pulled_subject = await tell(city)
        await applied(subscriber, pulled_subject, 1)
        pulled, cursor = await subscriber.pages(f"/subscriptions/{identity}/events")
        assert pulled_subject in subjects(pulled)
        await subscriber.call("POST", f"/subscriptions/{identity}/_acknowledge", json={"cursor": cursor})
        there.set()
        later = await tell(city)
        await eventually(lambda: told.taken(later), seconds=30)
        assert told.taken(pulled_subject) == []


async def test_a_cancelled_subscription_is_told_nothing_and_is_nobody_elses(organisation: Admit) -> None:
    city, other = await organisation(), await organisation()
    async with receiving(takes) as told, subscriber_for(city) as subscriber, subscriber_for(other) as stranger:
        identity = await subscriber.subscribe(endpoint=told.url)
        kept = await subscriber.subscribe(endpoint=told.url)
        for method in ("GET", "DELETE"):
            assert (await stranger.call(method, f"/subscriptions/{identity}"))[0] == 404
        for _ in range(2):
            assert (await subscriber.call("DELETE", f"/subscriptions/{identity}"))[0] == 204
        assert (await subscriber.shown(identity))["status"] == "cancelled"
        subject = await tell(city)
        await eventually(lambda: told.taken(subject))
        await eventually(lambda: _is_quiet(subscriber, kept))
        assert told.times(subject) == 1


async def _is_quiet(subscriber: Subscriber, identity: str) -> bool:
    return bool((await subscriber.shown(identity))["figures"]["pending"] == 0)


async def test_an_address_inside_is_refused_and_push_needs_one(organisation: Admit) -> None:
    async with subscriber_for(await organisation()) as subscriber:
        for wanted in (
            {"endpoint": "http://10.0.0.1/"},
            {"delivery": "push"},
            {"types": ["nl.samenspel.nothing.v1"]},
        ):
            status, headers, body = await subscriber.call("POST", "/subscriptions", json=wanted)
            assert (status, headers["content-type"]) == (400, "application/problem+json"), body


async def test_a_subscription_may_come_as_an_event(organisation: Admit) -> None:
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


async def test_after_a_kill_deliveries_go_on_in_order(organisation: Admit, system: LocalSystem) -> None:
    city = await organisation()
    slowly = asyncio.Semaphore(4)

    async def takes_its_time(event: Event, times: int) -> int:
        async with slowly:
            await asyncio.sleep(0.01)  # the receiver's own work: so that a kill finds deliveries under way
        return 204

    async with receiving(takes_its_time) as told, subscriber_for(city) as subscriber:
        await subscriber.subscribe(endpoint=told.url)
        telling = asyncio.gather(*(tell(city, changes=4) for _ in range(6)))
        await eventually(lambda: len(told.answers) > 5)
        await asyncio.to_thread(system.services.daemon("notifier").kill)
        told_of = await telling
        await eventually(lambda: all(len(set(told.taken(subject))) == 5 for subject in told_of), seconds=60)
        for subject in told_of:
            first_time = list(dict.fromkeys(told.taken(subject)))
            assert first_time == sorted(first_time)
