"""The feed over HTTP: cursor and size of a page, waiting readers, and other organisations' subscriptions."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from samenspel.contracts.topics import INITIATIVES
from samenspel.runtime.wakeup import Wakeup

from services.notifier import feed
from services.notifier.api.feed import router
from services.notifier.domain.cursor import LanePosition, decode, encode
from services.notifier.feed import FeedPage
from services.notifier.store import subscriptions
from tests.support.asgi import Reply, ask
from tests.support.http_router import always, app_with

CITY, ID = "00000099000000000344", "5e6a2f6b-9c1a-4a53-9d0e-0c8f8f2a1b44"
CURSOR = {(INITIATIVES, 0): LanePosition(1, 7)}
EMPTY = FeedPage([], CURSOR, more=False)
FULL = FeedPage([b'{"id":"1"}', b'{"id":"2"}'], CURSOR, more=True)


class Feed:
    """Gives these pages in turn, and records the requests."""

    def __init__(self, *pages: FeedPage) -> None:
        self.pages = list(pages)
        self.asked: list[tuple[Mapping[Any, Any], int, Sequence[str]]] = []

    async def read(self, pool: object, after: Any, limit: int, types: Sequence[str] = ()) -> FeedPage:
        self.asked.append((after, limit, types))
        return self.pages.pop(0) if len(self.pages) > 1 else self.pages[0]


async def get(path: str, pages: Feed, monkeypatch: pytest.MonkeyPatch, wakeup: Wakeup | None = None) -> Reply:
    async def figures(pool: object, organisation: str, identity: str) -> list[dict[str, Any]]:
        return [{"types": ["a.type"]}] if (organisation, identity) == (CITY, ID) else []

    async def cursor_of(pool: object, identity: str) -> Any:
        return {(INITIATIVES, 0): LanePosition(1, 3)}

    monkeypatch.setattr(feed, "read", pages.read)
    monkeypatch.setattr(subscriptions, "figures", figures)
    monkeypatch.setattr(subscriptions, "cursor_of", cursor_of)
    routes = router(None, wakeup or Wakeup(), always(CITY))  # type: ignore[arg-type]  # the feed needs no pool
    return await ask(app_with(routes), "GET", path)


async def test_page_carries_events_cursor_and_whether_there_is_more(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = Feed(FULL)
    reply = await get(f"/v1/feed?limit=5&after={encode(CURSOR)}", pages, monkeypatch)
    assert reply.headers["content-type"].startswith("application/cloudevents-batch+json")
    assert [each["id"] for each in reply.json] == ["1", "2"]
    assert decode(reply.headers["samenspel-cursor"]) == CURSOR
    assert reply.headers["samenspel-more"] == "true"
    assert pages.asked == [(CURSOR, 5, ())]


async def test_empty_page_is_an_empty_array(monkeypatch: pytest.MonkeyPatch) -> None:
    reply = await get("/v1/feed", Feed(EMPTY), monkeypatch)
    assert (reply.json, reply.headers["samenspel-more"]) == ([], "false")


@pytest.mark.parametrize("query", ["after=nonsense", "limit=0", "limit=1001", "waitSeconds=21"])
async def test_request_outside_its_bounds_is_refused(query: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await get(f"/v1/feed?{query}", Feed(FULL), monkeypatch)).status == 400


async def test_reader_that_waits_reads_again_after_a_wakeup(monkeypatch: pytest.MonkeyPatch) -> None:
    wakeup, pages = Wakeup(), Feed(EMPTY, FULL)
    wakeup.next_ticket.set()
    reply = await get("/v1/feed?waitSeconds=20", pages, monkeypatch, wakeup)
    assert len(reply.json) == 2


@pytest.mark.parametrize("path", ["/v1/feed?subscriptionId={}", "/v1/subscriptions/{}/events"])
async def test_subscription_filters_and_brings_its_own_cursor(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = Feed(FULL)
    assert (await get(path.format(ID), pages, monkeypatch)).status == 200
    assert pages.asked == [({(INITIATIVES, 0): LanePosition(1, 3)}, 1_000, ["a.type"])]


async def test_subscription_of_another_organisation_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    other = ID.replace("5", "6")
    assert (await get(f"/v1/subscriptions/{other}/events", Feed(FULL), monkeypatch)).status == 404
