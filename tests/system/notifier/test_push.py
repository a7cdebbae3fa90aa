"""The running notifier, pushing: nothing is lost or reordered, through any fault of notifier or receivers."""

import asyncio

from samenspel.client.read.webhook_receiver import WebhookReceiver

from deploy.local.system import LocalSystem
from tests.support.subscribers import Admit, Subscriber, applied, subjects, subscriber_for, tell
from tests.support.waiting import eventually
from tests.support.webhook_receivers import Event, hangs, receiving, takes


async def test_push_and_pull_deliver_the_same_events(organisation: Admit) -> None:
    city = await organisation()
    async with WebhookReceiver() as receiver, subscriber_for(city) as subscriber:
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


async def test_failing_subject_delays_only_its_own_events(organisation: Admit) -> None:
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


async def test_unavailable_receiver_gets_its_events_after_its_return(organisation: Admit) -> None:
    city = await organisation()
    # Each failure is a separate round for single events: the third would pause for half a minute.
    async with WebhookReceiver(fail=2) as receiver, subscriber_for(city) as subscriber:
        _, _, made = await subscriber.call("POST", "/subscriptions", json={"endpoint": receiver.url})
        receiver.secret = made["secret"]
        subject = await tell(city, changes=3)
        await eventually(lambda: subjects(receiver.events).count(subject) == 4, seconds=30)
        sequences = [int(event["sequence"]) for event in receiver.events if event["subject"] == subject]
        assert sequences == sorted(sequences)


async def test_hanging_or_absent_receiver_delays_no_other_subscription(organisation: Admit) -> None:
    city = await organisation()
    async with receiving(hangs) as slow, receiving(takes) as good, subscriber_for(city) as subscriber:
        for url in (slow.url, "http://127.0.0.1:9/", good.url):
            await subscriber.subscribe(endpoint=url)
        told = [await tell(city) for _ in range(10)]
        await eventually(lambda: all(good.taken(subject) for subject in told), seconds=8)


async def test_receiver_that_answered_410_is_called_again_after_a_resume_only(organisation: Admit) -> None:
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


async def test_rotated_secret_loses_no_delivery(organisation: Admit) -> None:
    city = await organisation()
    async with WebhookReceiver() as receiver, subscriber_for(city) as subscriber:
        _, _, made = await subscriber.call("POST", "/subscriptions", json={"endpoint": receiver.url})
        receiver.secret = made["secret"]
        status, _, rotated = await subscriber.call("POST", f"/subscriptions/{made['subscription_id']}/_rotate")
        assert status == 200 and rotated["secret"] != made["secret"]
        for secret in (made["secret"], rotated["secret"]):
            receiver.secret = secret
            subject = await tell(city)
            await eventually(lambda subject=subject: subject in subjects(receiver.events))
        assert receiver.refused == 0


async def test_acknowledged_event_is_not_pushed(organisation: Admit) -> None:
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


async def test_cancelled_subscription_gets_nothing_and_is_hidden_from_others(organisation: Admit) -> None:
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


async def test_deliveries_continue_in_order_after_a_kill(organisation: Admit, system: LocalSystem) -> None:
    city = await organisation()
    slowly = asyncio.Semaphore(4)

    async def takes_its_time(event: Event, times: int) -> int:
        async with slowly:
            await asyncio.sleep(0.01)  # the receiver's own delay: a kill then finds deliveries under way
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
