"""HTTP in: the feed, whole or as a subscription filters it. A reader keeps its cursor, or the subscription does."""

from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from samenspel.contracts.cloudevents import BATCH
from samenspel.contracts.values import Id
from samenspel.runtime.postgres import Pool
from samenspel.runtime.wakeup import Wakeup

from services.notifier import feed
from services.notifier.domain.cursor import BadCursor, Cursor, decode, encode
from services.notifier.feed import PAGE_MAX, FeedPage
from services.notifier.store import subscriptions

WAIT_SECONDS_MAX: Final = 20
POLL_SECONDS: Final = 0.5
"""How soon a waiting reader sees what another instance applied."""

OrganisationOf = Callable[[Request], Awaitable[str]]
After = Annotated[str | None, Query(description="The Samenspel-Cursor of the page before; absent: the beginning")]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX)]
Wait = Annotated[float, Query(ge=0, le=WAIT_SECONDS_MAX, description="How long to wait when there is nothing new")]
_PAGE: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Canonical CloudEvents, each `data` byte for byte as on Kafka; per lane none is left out",
        "content": {BATCH: {"schema": {"type": "array", "items": {"type": "object"}}}},
        "headers": {
            "Samenspel-Cursor": {"schema": {"type": "string"}, "description": "Give it as `after`; opaque"},
            "Samenspel-More": {"schema": {"type": "boolean"}, "description": "Whether there is more now"},
        },
    }
}


def router(pool: Pool, wakeup: Wakeup, organisation_of: OrganisationOf) -> APIRouter:
    routes = APIRouter(prefix="/v1")
    Organisation = Annotated[str, Depends(organisation_of)]

    @routes.get("/feed", summary="Every canonical event, in the order of its lane", responses=_PAGE)
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
        summary="What a subscription is still to be told; without `after`, from its own cursor",
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
    pool: Pool, wakeup: Wakeup, organisation: str, identity: str, after: str | None, limit: int, seconds: float
) -> Response:
    found = await subscriptions.figures(pool, organisation, identity)
    if not found:
        raise HTTPException(404, f"no subscription {identity} of yours is known")
    cursor = await subscriptions.cursor_of(pool, identity) if after is None else cursor_in(after)
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
    """The cursor that a request names; 400 when it is none."""
    try:
        return decode(text or "")
    except BadCursor as error:
        raise HTTPException(400, f"{error} Give one back as you got it, or none to begin at the beginning.") from None


def respond(page: FeedPage) -> Response:
    """One event a line, so that a reader may go line by line."""
    body = b"[\n" + b"\n,".join(page.events) + b"\n]" if page.events else b"[]"
    headers = {"Samenspel-Cursor": encode(page.cursor), "Samenspel-More": str(page.more).lower()}
    return Response(body, media_type=BATCH, headers=headers)
