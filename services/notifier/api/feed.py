"""HTTP API of the feed: all events with the reader's own cursor, or the events and cursor of a subscription."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from samenspel.contracts.media_types import BATCH
from samenspel.contracts.values import Id
from samenspel.runtime.concurrency_limit import ConcurrencyLimit
from samenspel.runtime.http import OrganisationOf
from samenspel.runtime.limits import OPEN_STREAMS, STREAM_SECONDS
from samenspel.runtime.open_streams import OpenStream, stream_of
from samenspel.runtime.postgres import Pool

from services.notifier import feed
from services.notifier.domain.cursor import BadCursor, Cursor, decode, encode
from services.notifier.feed import PAGE_MAX, FeedEnds, FeedPage
from services.notifier.store import subscriptions

REFUSE_SECONDS: Final = 1.0
"""Time for which a long poll above the limit waits for a free place before the refusal."""
TERMS_LOST: Final = "the database was restored without the filter of this subscription: delete it and create another"

After = Annotated[str | None, Query(description="Samenspel-Cursor of the previous page; absent: the beginning")]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX)]
Wait = Annotated[
    float,
    Query(ge=0, le=STREAM_SECONDS.default, description="Long poll: seconds to wait if no event is available"),
]
_PAGE: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Canonical CloudEvents without gaps per lane; `data` equals the Kafka value, byte for byte",
        "content": {BATCH: {"schema": {"type": "array", "items": {"type": "object"}}}},
        "headers": {
            "Samenspel-Cursor": {"schema": {"type": "string"}, "description": "Opaque; send as `after`"},
            "Samenspel-More": {"schema": {"type": "boolean"}, "description": "Whether more events are available now"},
        },
    }
}


@dataclass(frozen=True, slots=True)
class FeedReader:
    """Pages of the feed, also by long poll: a request that waits for the next event as an open stream."""

    pool: Pool
    ends: FeedEnds
    streams: ConcurrencyLimit
    seconds_max: float

    @classmethod
    def limited(cls, pool: Pool, ends: FeedEnds, streams: int, seconds: float) -> "FeedReader":
        """With at most ``streams`` long polls per organisation, each of at most ``seconds``."""
        return cls(pool, ends, ConcurrencyLimit(OPEN_STREAMS, streams, REFUSE_SECONDS), seconds)

    async def page(
        self, reader: "PageRequest", after: Cursor, types: Sequence[str] = (), subscriber: str | None = None
    ) -> FeedPage:
        """The page after the cursor, as of `feed.read`. Without events, waits up to ``reader.wait_seconds``.

        Raises `LimitReached`.
        """
        page = await feed.read(self.pool, after, reader.limit, types, subscriber)
        if page.events or page.more or not reader.wait_seconds:
            return page
        async with self.streams.slot(reader.organisation):
            return await self._await_events(reader, page.cursor, types, subscriber)

    async def _await_events(
        self, reader: "PageRequest", after: Cursor, types: Sequence[str], subscriber: str | None
    ) -> FeedPage:
        seconds = min(reader.wait_seconds, self.seconds_max)
        deadline = monotonic() + seconds
        reader.stream.begin(seconds)
        try:
            while True:
                ticket = self.ends.changed.next_ticket
                if self.ends.has_events_after(after):
                    page = await feed.read(self.pool, after, reader.limit, types, subscriber)
                    if page.events or page.more:
                        return page
                    after = page.cursor
                if not await reader.stream.wait(ticket, deadline - monotonic()):
                    return FeedPage([], after, more=False)
        finally:
            reader.stream.end()


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The request for one page: the reader, at most ``limit`` events, and the seconds of a long poll."""

    organisation: str
    limit: int
    wait_seconds: float
    stream: OpenStream


def router(reader: FeedReader, organisation_of: OrganisationOf) -> APIRouter:
    routes = APIRouter(prefix="/v1")
    Organisation = Annotated[str, Depends(organisation_of)]

    @routes.get("/feed", summary="All canonical events, in lane order", responses=_PAGE)
    async def events(
        request: Request,
        organisation: Organisation,
        after: After = None,
        limit: Limit = PAGE_MAX,
        subscriptionId: Annotated[Id | None, Query()] = None,
        waitSeconds: Wait = 0,
    ) -> Response:
        wanted = PageRequest(organisation, limit, waitSeconds, stream_of(request.scope))
        if subscriptionId is None:
            return respond(await reader.page(wanted, cursor_in(after)))
        return await _of_subscription(reader, wanted, subscriptionId, after)

    @routes.get(
        "/subscriptions/{subscriptionId}/events",
        summary="Pending events of a subscription; without `after`: from the subscription's cursor",
        responses=_PAGE,
    )
    async def events_of_subscription(
        request: Request,
        organisation: Organisation,
        subscriptionId: Id,
        after: After = None,
        limit: Limit = PAGE_MAX,
        waitSeconds: Wait = 0,
    ) -> Response:
        wanted = PageRequest(organisation, limit, waitSeconds, stream_of(request.scope))
        return await _of_subscription(reader, wanted, subscriptionId, after)

    return routes


async def _of_subscription(
    reader: FeedReader, wanted: PageRequest, subscription_id: str, after: str | None
) -> Response:
    found = await subscriptions.figures(reader.pool, wanted.organisation, subscription_id)
    if not found:
        raise HTTPException(404, subscription_not_found(subscription_id))
    if found[0]["types"] is None:
        raise HTTPException(409, TERMS_LOST)
    cursor = await subscriptions.cursor_of(reader.pool, subscription_id) if after is None else cursor_in(after)
    return respond(await reader.page(wanted, cursor, found[0]["types"], wanted.organisation))


def cursor_in(text: str | None) -> Cursor:
    """The cursor in a request. Raises 400 for an invalid cursor."""
    try:
        return decode(text or "")
    except BadCursor as error:
        fix = "Send a Samenspel-Cursor unchanged, or no cursor for the beginning."
        raise HTTPException(400, f"{error} {fix}") from None


def subscription_not_found(subscription_id: str) -> str:
    return f"subscription {subscription_id} does not exist or is not yours; GET /v1/subscriptions lists yours"


def respond(page: FeedPage) -> Response:
    """A JSON array with one event per line, so that a reader may process the body line by line."""
    body = b"[\n" + b"\n,".join(page.events) + b"\n]" if page.events else b"[]"
    headers = {"Samenspel-Cursor": encode(page.cursor), "Samenspel-More": str(page.more).lower()}
    return Response(body, media_type=BATCH, headers=headers)
