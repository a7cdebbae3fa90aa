"""HTTP API of the feed: all events with the reader's own cursor, or the events and cursor of a subscription."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from samenspel.contracts.media_types import BATCH
from samenspel.contracts.topics import LaneId, lane_label
from samenspel.contracts.values import Id
from samenspel.runtime.concurrency_limit import ConcurrencyLimit
from samenspel.runtime.http import OrganisationOf
from samenspel.runtime.limits import OPEN_STREAMS, STREAM_SECONDS
from samenspel.runtime.open_streams import OpenStream, stream_of
from samenspel.runtime.postgres import Pool

from services.notifier import feed
from services.notifier.domain.cursor import BadCursor, Cursor, Marks, decode, encode, marks_in, other_lane
from services.notifier.feed import PAGE_MAX, FeedEnds, FeedPage
from services.notifier.store import subscriptions

REFUSE_SECONDS: Final = 1.0
"""Time for which a long poll above the limit waits for a free place before the refusal."""
OTHER_SYSTEM: Final = (
    "this cursor is of another system: lane {lane} begins here with another event. Read again without a cursor, and "
    "discard the events of the other system; a replica is started again by samenspel replica sync --rebuild"
)
TERMS_LOST: Final = "the database was restored without the filter of this subscription: delete it and create another"

After = Annotated[
    str | None,
    Query(
        description="Samenspel-Cursor of the previous page; absent: the beginning. Of a subscription with start now, "
        "a lane that is absent from the cursor begins at the start of the subscription"
    ),
]
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
    },
    410: {"description": "The cursor is of another system: read again without a cursor"},
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
        page = await self._read(reader, after, types, subscriber)
        if page.events or page.more or not reader.wait_seconds:
            return page
        async with self.streams.slot(reader.organisation):
            return await self._await_events(reader, page, types, subscriber)

    async def _read(
        self, reader: "PageRequest", after: Cursor, types: Sequence[str], subscriber: str | None
    ) -> FeedPage:
        held: frozenset[LaneId] = frozenset()
        if reader.subscription_id is not None:
            start = await subscriptions.start_of(self.pool, reader.subscription_id)
            after, held = start.after(after), start.awaited
        page = await feed.read(self.pool, after, reader.limit, types, subscriber, held)
        require_same_lanes(reader.marks, page.marks)
        return page

    async def _await_events(
        self, reader: "PageRequest", page: FeedPage, types: Sequence[str], subscriber: str | None
    ) -> FeedPage:
        seconds = min(reader.wait_seconds, self.seconds_max)
        deadline = monotonic() + seconds
        reader.stream.begin(seconds)
        try:
            while True:
                ticket = self.ends.changed.next_ticket
                if self.ends.has_events_after(page.cursor):
                    page = await self._read(reader, page.cursor, types, subscriber)
                    if page.events or page.more:
                        return page
                if not await reader.stream.wait(ticket, deadline - monotonic()):
                    return page
        finally:
            reader.stream.end()


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The request for one page: the reader, at most ``limit`` events, and the seconds of a long poll.

    ``marks`` are those in the cursor of the request. With ``subscription_id``, the events of this subscription: none
    before its start, unless the cursor of the request is before.
    """

    organisation: str
    limit: int
    wait_seconds: float
    stream: OpenStream
    marks: Marks = field(default_factory=dict)
    subscription_id: str | None = None


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
        wanted = PageRequest(organisation, limit, waitSeconds, stream_of(request.scope), marks_of(after))
        if subscriptionId is None:
            return respond(wanted, await reader.page(wanted, cursor_in(after)))
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
        wanted = PageRequest(organisation, limit, waitSeconds, stream_of(request.scope), marks_of(after))
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
    wanted = replace(wanted, subscription_id=subscription_id)
    return respond(wanted, await reader.page(wanted, cursor, found[0]["types"], wanted.organisation))


def cursor_in(text: str | None) -> Cursor:
    """The cursor in a request. Raises 400 for an invalid cursor."""
    with _invalid_as_400():
        return decode(text or "")


def marks_of(text: str | None) -> Marks:
    """The marks of the lanes in the cursor of a request. Raises 400 for an invalid cursor."""
    with _invalid_as_400():
        return marks_in(text or "")


@contextmanager
def _invalid_as_400() -> Iterator[None]:
    try:
        yield
    except BadCursor as error:
        fix = "Send a Samenspel-Cursor unchanged, or no cursor for the beginning."
        raise HTTPException(400, f"{error} {fix}") from None


def require_same_lanes(sent: Marks, present: Marks) -> None:
    """Raise 410 for a cursor of another system: its positions have no meaning here."""
    if (name := other_lane(sent, present)) is not None:
        raise HTTPException(410, OTHER_SYSTEM.format(lane=lane_label(name)))


def subscription_not_found(subscription_id: str) -> str:
    return f"subscription {subscription_id} does not exist or is not yours; GET /v1/subscriptions lists yours"


def respond(request: PageRequest, page: FeedPage) -> Response:
    """A JSON array with one event per line, so that a reader may process the body line by line."""
    body = b"[\n" + b"\n,".join(page.events) + b"\n]" if page.events else b"[]"
    headers = {
        "Samenspel-Cursor": encode(page.cursor, {**request.marks, **page.marks}),
        "Samenspel-More": str(page.more).lower(),
    }
    return Response(body, media_type=BATCH, headers=headers)
