"""HTTP API of the feed: all events with the reader's own cursor, or the events and cursor of a subscription."""

from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from samenspel.contracts.media_types import BATCH
from samenspel.contracts.values import Id
from samenspel.runtime.postgres import Pool
from samenspel.runtime.wakeup import Wakeup

from services.notifier import feed
from services.notifier.domain.cursor import BadCursor, Cursor, decode, encode
from services.notifier.feed import PAGE_MAX, FeedPage
from services.notifier.store import subscriptions

WAIT_SECONDS_MAX: Final = 20
POLL_SECONDS: Final = 0.5
"""Polling interval of a long poll, for events that another instance applied."""

OrganisationOf = Callable[[Request], Awaitable[str]]
After = Annotated[str | None, Query(description="Samenspel-Cursor of the previous page; absent: the beginning")]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX)]
Wait = Annotated[
    float, Query(ge=0, le=WAIT_SECONDS_MAX, description="Long poll: seconds to wait if no event is available")
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


def router(pool: Pool, wakeup: Wakeup, organisation_of: OrganisationOf) -> APIRouter:
    routes = APIRouter(prefix="/v1")
    Organisation = Annotated[str, Depends(organisation_of)]

    @routes.get("/feed", summary="All canonical events, in lane order", responses=_PAGE)
    async def events(
        organisation: Organisation,
        after: After = None,
        limit: Limit = PAGE_MAX,
        subscriptionId: Annotated[Id | None, Query()] = None,
        waitSeconds: Wait = 0,
    ) -> Response:
        if subscriptionId is None:
            return respond(await _page(pool, wakeup, cursor_in(after), limit, (), waitSeconds))
        return await _of_subscription(pool, wakeup, organisation, subscriptionId, after, limit, waitSeconds)

    @routes.get(
        "/subscriptions/{subscriptionId}/events",
        summary="Pending events of a subscription; without `after`: from the subscription's cursor",
        responses=_PAGE,
    )
    async def events_of_subscription(
        organisation: Organisation,
        subscriptionId: Id,
        after: After = None,
        limit: Limit = PAGE_MAX,
        waitSeconds: Wait = 0,
    ) -> Response:
        return await _of_subscription(pool, wakeup, organisation, subscriptionId, after, limit, waitSeconds)

    return routes


async def _of_subscription(
    pool: Pool, wakeup: Wakeup, organisation: str, subscription_id: str, after: str | None, limit: int, seconds: float
) -> Response:
    found = await subscriptions.figures(pool, organisation, subscription_id)
    if not found:
        raise HTTPException(404, subscription_not_found(subscription_id))
    cursor = await subscriptions.cursor_of(pool, subscription_id) if after is None else cursor_in(after)
    return respond(await _page(pool, wakeup, cursor, limit, found[0]["types"], seconds))


async def _page(
    pool: Pool, wakeup: Wakeup, after: Cursor, limit: int, types: Sequence[str], seconds: float
) -> FeedPage:
    deadline = monotonic() + seconds
    while True:
        ticket = wakeup.next_ticket
        page = await feed.read(pool, after, limit, types)
        if page.events or page.more or (left := deadline - monotonic()) <= 0:
            return page
        await ticket.wait(min(left, POLL_SECONDS))


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
