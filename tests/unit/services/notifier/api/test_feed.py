"""The feed over HTTP: cursor and size of a page, waiting readers, and other organisations' subscriptions."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from samenspel.contracts.topics import INITIATIVES
from samenspel.runtime.concurrency_limit import ConcurrencyLimit
from samenspel.runtime.limits import OPEN_STREAMS, LimitReached
from samenspel.runtime.open_streams import OpenStream
from samenspel.runtime.wakeup import Wakeup

from services.notifier import feed
from services.notifier.api.feed import FeedReader, PageRequest, router
from services.notifier.domain.cursor import LanePosition, decode, encode, mark_of, marks_in
from services.notifier.feed import FeedPage
from services.notifier.store import subscriptions
from services.notifier.store.subscriptions import SubscriptionStart
from tests.support.asgi import Reply, ask
from tests.support.http_router import always, app_with
from tests.support.waiting import eventually

CITY, ID = "00000099000000000344", "5e6a2f6b-9c1a-4a53-9d0e-0c8f8f2a1b44"
CURSOR = {(INITIATIVES, 0): LanePosition(1, 7)}
EMPTY = FeedPage([], CURSOR, more=False)
FULL = FeedPage([b'{"id":"1"}', b'{"id":"2"}'], CURSOR, more=True)


class Feed:
    """Gives these pages in turn, and records the requests."""

    def __init__(self, *pages: FeedPage) -> None:
        self.pages = list(pages)
        self.start = SubscriptionStart()
        self.asked: list[tuple[Mapping[Any, Any], int, Sequence[str], object]] = []

    async def read(
        self, pool: object, after: Any, limit: int, types: Sequence[str], subscriber: object, held: Any
    ) -> FeedPage:
        self.held = held
        self.asked.append((after, limit, types, subscriber))
        return self.pages.pop(0) if len(self.pages) > 1 else self.pages[0]


class Ends:
    """Tells waiting readers of new events, once ``arrive`` is called."""

    def __init__(self) -> None:
        self.changed = Wakeup()
        self.has_new_events = False

    def has_events_after(self, cursor: object) -> bool:
        return self.has_new_events

    def arrive(self) -> None:
        self.has_new_events = True
        self.changed.notify()


def reader_of(ends: Ends, streams: int = 4, seconds_max: float = 900, refuse_seconds: float = 0) -> FeedReader:
    limit = ConcurrencyLimit(OPEN_STREAMS, streams, refuse_seconds)
    return FeedReader(None, ends, limit, seconds_max)  # type: ignore[arg-type]  # `feed.read` is replaced


def long_poll(organisation: str = CITY, stream: OpenStream | None = None, seconds: float = 600) -> PageRequest:
    return PageRequest(organisation, 100, seconds, stream or OpenStream())


async def get(path: str, pages: Feed, monkeypatch: pytest.MonkeyPatch, ends: Ends | None = None) -> Reply:
    async def figures(pool: object, organisation: str, identity: str) -> list[dict[str, Any]]:
        return [{"types": ["a.type"]}] if (organisation, identity) == (CITY, ID) else []

    async def cursor_of(pool: object, identity: str) -> Any:
        return {(INITIATIVES, 0): LanePosition(1, 3)}

    async def start_of(pool: object, identity: str) -> SubscriptionStart:
        return pages.start

    monkeypatch.setattr(feed, "read", pages.read)
    monkeypatch.setattr(subscriptions, "figures", figures)
    monkeypatch.setattr(subscriptions, "start_of", start_of)
    monkeypatch.setattr(subscriptions, "cursor_of", cursor_of)
    routes = router(reader_of(ends or Ends()), always(CITY))
    return await ask(app_with(routes), "GET", path)


async def test_page_carries_events_cursor_and_whether_there_is_more(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = Feed(FULL)
    reply = await get(f"/v1/feed?limit=5&after={encode(CURSOR)}", pages, monkeypatch)
    assert reply.headers["content-type"].startswith("application/cloudevents-batch+json")
    assert [each["id"] for each in reply.json] == ["1", "2"]
    assert decode(reply.headers["samenspel-cursor"]) == CURSOR
    assert reply.headers["samenspel-more"] == "true"
    assert pages.asked == [(CURSOR, 5, (), None)]


@pytest.mark.parametrize("path", ["/v1/feed?after={}", f"/v1/subscriptions/{ID}/events?after={{}}"])
async def test_cursor_of_another_system_is_gone(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lane = INITIATIVES, 0
    cursor = encode({lane: LanePosition(1, 15)}, {lane: mark_of("first of ours")})
    page = replace(EMPTY, marks={lane: mark_of("first of theirs")})
    reply = await get(path.format(cursor), Feed(page), monkeypatch)
    assert (reply.status, reply.headers["content-type"]) == (410, "application/problem+json")
    assert (
        "lane samenspel.initiatives/0 begins here with another event. Read again without a cursor"
        in reply.json["detail"]
    )


async def test_lane_replaced_during_a_long_poll_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    lane, ends = (INITIATIVES, 0), Ends()
    cursor = encode(CURSOR, {lane: mark_of("ours")})
    pages = Feed(EMPTY, replace(FULL, marks={lane: mark_of("theirs")}))
    waiting = asyncio.create_task(get(f"/v1/feed?waitSeconds=20&after={cursor}", pages, monkeypatch, ends))
    await eventually(lambda: len(pages.asked) == 1)
    ends.arrive()
    assert (await waiting).status == 410


async def test_cursor_of_a_page_has_the_marks_of_the_system_and_keeps_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A notifier that is rebuilt knows no identity of a lane yet, and passes the mark of the reader on."""
    one, other = (INITIATIVES, 0), (INITIATIVES, 1)
    sent = encode(CURSOR, {other: mark_of("b")})
    reply = await get(f"/v1/feed?after={sent}", Feed(replace(FULL, marks={one: mark_of("a")})), monkeypatch)
    assert marks_in(reply.headers["samenspel-cursor"]) == {one: mark_of("a"), other: mark_of("b")}


async def test_cursor_of_the_version_before_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    page = replace(FULL, marks={(INITIATIVES, 0): mark_of("a")})
    assert (await get(f"/v1/feed?after={encode(CURSOR)}", Feed(page), monkeypatch)).status == 200


async def test_empty_page_is_an_empty_array(monkeypatch: pytest.MonkeyPatch) -> None:
    reply = await get("/v1/feed", Feed(EMPTY), monkeypatch)
    assert (reply.json, reply.headers["samenspel-more"]) == ([], "false")


@pytest.mark.parametrize("query", ["after=nonsense", "limit=0", "limit=1001", "waitSeconds=901"])
async def test_request_outside_its_bounds_is_refused(query: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await get(f"/v1/feed?{query}", Feed(FULL), monkeypatch)).status == 400


async def test_reader_that_waits_reads_again_after_a_wakeup(monkeypatch: pytest.MonkeyPatch) -> None:
    ends, pages = Ends(), Feed(EMPTY, FULL)
    waiting = asyncio.create_task(get("/v1/feed?waitSeconds=20", pages, monkeypatch, ends))
    await eventually(lambda: len(pages.asked) == 1)
    ends.arrive()
    assert len((await waiting).json) == 2


@pytest.mark.parametrize("path", ["/v1/feed?subscriptionId={}", "/v1/subscriptions/{}/events"])
async def test_subscription_filters_and_brings_its_own_cursor(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = Feed(FULL)
    assert (await get(path.format(ID), pages, monkeypatch)).status == 200
    assert pages.asked == [({(INITIATIVES, 0): LanePosition(1, 3)}, 1_000, ["a.type"], CITY)]


async def test_subscription_of_another_organisation_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    other = ID.replace("5", "6")
    assert (await get(f"/v1/subscriptions/{other}/events", Feed(FULL), monkeypatch)).status == 404


async def test_long_polls_of_one_organisation_are_limited_and_another_organisation_waits_as_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pages, ends = Feed(EMPTY), Ends()
    monkeypatch.setattr(feed, "read", pages.read)
    reader = reader_of(ends)
    flood = [asyncio.create_task(reader.page(long_poll(), CURSOR)) for _ in range(100)]
    await eventually(lambda: sum(task.done() for task in flood) == 96)
    other = asyncio.create_task(reader.page(long_poll("00000099000000000363"), CURSOR))
    await eventually(lambda: len(reader.streams.use()) == 2)
    pages.pages = [FULL]
    ends.arrive()
    assert (await other) is FULL
    results = await asyncio.gather(*flood, return_exceptions=True)
    refused = [each for each in results if isinstance(each, LimitReached)]
    assert (len(refused), results.count(FULL)) == (96, 4)
    assert {each.limit for each in refused} == {OPEN_STREAMS}
    assert reader.streams.use() == {}


async def test_idle_long_poll_uses_no_database_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the first page is read, however often another organisation's deliveries wake the instance."""
    pages, ends, stream = Feed(EMPTY), Ends(), OpenStream()
    monkeypatch.setattr(feed, "read", pages.read)
    waiting = asyncio.create_task(reader_of(ends).page(long_poll(stream=stream), CURSOR))
    await eventually(lambda: len(pages.asked) == 1)
    for _ in range(10):
        ends.changed.notify()
        await asyncio.sleep(0)
    stream.ended = True
    assert (await waiting).events == []
    assert len(pages.asked) == 1


async def test_long_poll_ends_in_time_with_the_cursor_to_resume(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = Feed(EMPTY)
    monkeypatch.setattr(feed, "read", pages.read)
    allowed: list[float] = []
    stream = OpenStream(allowed.append)
    page = await reader_of(Ends(), seconds_max=0.01).page(long_poll(stream=stream, seconds=5), {})
    assert (page.events, page.cursor, page.more) == ([], CURSOR, False)
    assert allowed == [90.01, 90], "the wait, and then the usual time for the answer"


async def test_long_poll_of_a_client_that_left_frees_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = Feed(EMPTY)
    monkeypatch.setattr(feed, "read", pages.read)
    reader, stream = reader_of(Ends(), streams=1, refuse_seconds=30), OpenStream()
    left = asyncio.create_task(reader.page(long_poll(stream=stream), CURSOR))
    await eventually(lambda: reader.streams.use())
    second = asyncio.create_task(reader.page(long_poll(seconds=0.01), CURSOR))
    stream.ended = True
    assert (await left).events == (await second).events == []


async def test_filter_without_a_match_is_not_applied_to_the_same_events_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    later = {(INITIATIVES, 0): LanePosition(1, 9)}
    pages, ends = Feed(EMPTY, FeedPage([], later, more=False)), Ends()
    monkeypatch.setattr(feed, "read", pages.read)
    ends.has_new_events = True
    page = await reader_of(ends, seconds_max=0.01).page(long_poll(), {}, ["a.type"])
    assert page.cursor == later
    assert [asked[0] for asked in pages.asked][:2] == [{}, CURSOR]


async def test_subscription_begins_at_its_start_and_leaves_out_lanes_without_a_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, other, awaited = (INITIATIVES, 0), (INITIATIVES, 1), (INITIATIVES, 2)
    pages = Feed(FULL)
    begins = {one: LanePosition(1, 5), other: LanePosition(1, 6)}
    pages.start = SubscriptionStart(begins, frozenset({awaited}))
    await get(f"/v1/subscriptions/{ID}/events?after={encode({one: LanePosition(1, 2)})}", pages, monkeypatch)
    assert pages.asked[0][0] == {one: LanePosition(1, 2), other: LanePosition(1, 6)}
    assert pages.held == {awaited}
    await get("/v1/feed", pages, monkeypatch)
    assert (pages.asked[1][0], pages.held) == ({}, frozenset())
