"""HTTP API of an organisation's subscriptions. Creation and cancellation are submissions."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Annotated, Any, Final
from uuid import uuid4

import orjson
from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse
from samenspel.contracts.catalogue import type_name
from samenspel.contracts.cloudevents import Envelope
from samenspel.contracts.problems import Problem, Rejected
from samenspel.contracts.values import Id
from samenspel.messaging import LogEndsUnavailable, Submitter, submit_over_http
from samenspel.runtime.http import OrganisationOf, rejection
from samenspel.runtime.json_bodies import openapi_body, parse_body, read_json
from samenspel.runtime.limits import LimitReached
from samenspel.runtime.postgres import Connection, Pool
from samenspel.runtime.wakeup import Wakeup

from services.notifier.api import idempotency
from services.notifier.api.feed import cursor_in, marks_of, require_same_lanes, subscription_not_found
from services.notifier.api.models import AcknowledgeRequest, RotationRequest, SubscriptionRequest
from services.notifier.domain.cursor import Cursor, encode
from services.notifier.endpoints import addresses
from services.notifier.endpoints.signing import SecretBox, new_secret
from services.notifier.feed import lane_ends
from services.notifier.store import attempts as attempt_log
from services.notifier.store import endpoints
from services.notifier.store import subscriptions as store

ATTEMPTS_MAX: Final = 100
ACCEPTED_SECONDS_MAX: Final = 3.0
ACCEPTED_POLL_SECONDS: Final = 0.1
ENDS_SECONDS_MAX: Final = 5.0
UNKNOWN_START: Final = (
    "Nothing was stored. Repeat this request after Retry-After seconds, or choose start beginning: it needs no Kafka."
)
BACKWARDS: Final = (
    "the cursor is before the subscription's cursor, which never moves back; to read earlier events again, send GET "
    "/v1/subscriptions/{subscriptionId}/events?after=<cursor>, or create a subscription with start beginning"
)
_FIX_OF_STATUS: Final = {
    "cancelled": "create a new subscription with POST /v1/subscriptions",
    "incomplete": "the database was restored without filter and delivery; send the request that created the "
    "subscription again with the same Idempotency-Key, or delete the subscription and create another",
}
_IDEMPOTENT: Final[dict[str, Any]] = {
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "A request that is sent again within 24 hours with the same key has no second effect",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        }
    ]
}
After = Annotated[str, Query(max_length=64, pattern="^[!-~]*$")]
Limit = Annotated[int, Query(ge=1, le=store.PAGE_MAX)]


@dataclass(frozen=True, slots=True)
class SubscriptionService:
    """Operations of the HTTP API on subscriptions.

    ``wakeup`` notifies the delivery worker. ``ends`` asks Kafka for the ends of the lanes, within some seconds.
    """

    pool: Pool
    submitter: Submitter
    wakeup: Wakeup
    secret_box: SecretBox
    ends: Callable[[float], Awaitable[object]]
    local: bool

    async def create(self, organisation: str, body: bytes, key: str | None = None) -> Response:
        try:
            wanted = parse_body(SubscriptionRequest, body)
            if wanted.endpoint is not None:
                addresses.parse(wanted.endpoint, local=self.local)
        except Rejected as refusal:
            return rejection(refusal)
        except addresses.AddressRefused as refusal:
            return rejection(Rejected(_refused_address(refusal)))
        if wanted.start == "now":
            await self._require_ends()
        subscription_id = idempotency.subscription_id_for(organisation, key)
        made = await self._with_endpoint(organisation, subscription_id, wanted, key)
        stated = {"types": wanted.types, "start": wanted.start, "delivery": "push" if made else "pull"}
        submission_id = idempotency.submission_id_for(subscription_id, key)
        try:
            answer = await _submit(
                self.submitter, organisation, "subscription-created", subscription_id, stated, submission_id
            )
        except (LimitReached, HTTPException) as refusal:
            # After 503 the subscription may have been accepted all the same.
            if not isinstance(refusal, HTTPException) or refusal.status_code < 500:
                await endpoints.delete_refused(self.pool, organisation, subscription_id)
            raise
        if answer.status_code >= 400:
            await endpoints.delete_refused(self.pool, organisation, subscription_id)
            return answer
        accepted = await self._is_accepted(organisation, subscription_id)
        shown = {"subscription_id": subscription_id, **made, "receipt": orjson.loads(answer.body)}
        return JSONResponse(shown, 201 if accepted else 202, {"Location": f"/v1/subscriptions/{subscription_id}"})

    async def _require_ends(self) -> None:
        """Raise 503 while Kafka does not answer. The decision asks again, and takes the ends of that moment."""
        try:
            await self.ends(ENDS_SECONDS_MAX)
        except LogEndsUnavailable as error:
            raise HTTPException(503, f"{error} {UNKNOWN_START}", {"Retry-After": "1"}) from None

    async def _with_endpoint(
        self, organisation: str, subscription_id: str, wanted: SubscriptionRequest, key: str | None
    ) -> dict[str, str]:
        """Store the endpoint of a push subscription. Returns the secret for the response; empty for pull."""
        secret = None if wanted.endpoint is None else wanted.secret or new_secret()
        operation = f"create\n{wanted.model_dump_json()}"
        secret, _ = await idempotency.secret_for(self.pool, self.secret_box, organisation, key, operation, secret)
        if wanted.endpoint is None or secret is None:
            return {}
        sealed = self.secret_box.encrypt(secret)
        await endpoints.insert(self.pool, organisation, subscription_id, wanted.endpoint, sealed)
        return {"secret": secret}

    async def cancel(self, organisation: str, subscription_id: str) -> Response:
        if not (await self.own(organisation, subscription_id))["active"]:
            return Response(status_code=204)
        answer = await _submit(
            self.submitter, organisation, "subscription-cancelled", subscription_id, {}, str(uuid4())
        )
        return Response(status_code=204) if answer.status_code == 200 else answer

    async def acknowledge(self, organisation: str, subscription_id: str, body: bytes) -> Response:
        try:
            text = parse_body(AcknowledgeRequest, body).cursor
        except Rejected as refusal:
            return rejection(refusal)
        cursor, marks = cursor_in(text), marks_of(text)
        await self._require_active(organisation, subscription_id)
        ends = await lane_ends(self.pool)
        require_same_lanes(marks, ends.marks)
        if not await store.acknowledge(self.pool, subscription_id, _clamped(cursor, ends.positions)):
            raise HTTPException(409, BACKWARDS)
        self.wakeup.notify()
        return Response(status_code=204)

    async def resume(self, organisation: str, subscription_id: str) -> Response:
        await self._require_active(organisation, subscription_id)
        await store.resume(self.pool, subscription_id)
        self.wakeup.notify()
        return Response(status_code=204)

    async def rotate(self, organisation: str, subscription_id: str, body: bytes, key: str | None) -> Response:
        try:
            wanted = parse_body(RotationRequest, body or b"{}")
        except Rejected as refusal:
            return rejection(refusal)
        if (await self._require_active(organisation, subscription_id))["url"] is None:
            raise HTTPException(409, "this subscription has no endpoint, so there is no signing secret to rotate")
        operation = f"rotate {subscription_id}\n{wanted.model_dump_json()}"
        async with self.pool.acquire() as connection, connection.transaction():
            secret, is_first = await idempotency.secret_for(
                connection, self.secret_box, organisation, key, operation, wanted.secret or new_secret()
            )
            assert secret is not None
            if is_first:
                await self._replace_secret(connection, organisation, subscription_id, secret)
        return JSONResponse({"subscription_id": subscription_id, "secret": secret})

    async def _replace_secret(
        self, connection: Connection, organisation: str, subscription_id: str, secret: str
    ) -> None:
        try:
            await endpoints.rotate(connection, organisation, subscription_id, self.secret_box.encrypt(secret))
        except endpoints.SecretLimitReached as refusal:
            raise HTTPException(409, f"{refusal}; rotate again after that time") from None

    async def _require_active(self, organisation: str, subscription_id: str) -> Any:
        """The organisation's active subscription. Raises 404, and 409 for a subscription without deliveries."""
        row = await self.own(organisation, subscription_id)
        status = status_of(row)
        if status in ("cancelled", "incomplete"):
            raise HTTPException(409, f"this subscription is {status}: {_FIX_OF_STATUS[status]}")
        return row

    async def own(self, organisation: str, subscription_id: str) -> Any:
        """The organisation's subscription with figures. Raises 404 if the organisation has no such subscription."""
        found = await store.figures(self.pool, organisation, subscription_id)
        if not found:
            raise HTTPException(404, subscription_not_found(subscription_id))
        return found[0]

    async def _is_accepted(self, organisation: str, subscription_id: str) -> bool:
        """Wait up to `ACCEPTED_SECONDS_MAX` for acceptance: the event of a recent admission may still arrive."""
        deadline = monotonic() + ACCEPTED_SECONDS_MAX
        while True:
            ticket = self.wakeup.next_ticket
            if await store.figures(self.pool, organisation, subscription_id):
                return True
            if monotonic() > deadline:
                return False
            await ticket.wait(ACCEPTED_POLL_SECONDS)


def router(subscriptions: SubscriptionService, organisation_of: OrganisationOf) -> APIRouter:
    routes = APIRouter(prefix="/v1")
    _add_read_routes(routes, subscriptions, organisation_of)
    _add_write_routes(routes, subscriptions, organisation_of)
    return routes


def _add_read_routes(routes: APIRouter, subscriptions: SubscriptionService, organisation_of: OrganisationOf) -> None:
    Organisation = Annotated[str, Depends(organisation_of)]
    pool = subscriptions.pool

    @routes.get("/subscriptions", summary="Your subscriptions, by id; `after` is the last id of the previous page")
    async def list_all(organisation: Organisation, after: After = "", limit: Limit = store.PAGE_MAX) -> Response:
        rows = await store.figures(pool, organisation, after=after, limit=limit)
        return JSONResponse({"items": [_shown(row) for row in rows]})

    @routes.get("/deliveries", summary="Delivery figures of your subscriptions: sent, pending and failed")
    async def deliveries(organisation: Organisation, after: After = "", limit: Limit = store.PAGE_MAX) -> Response:
        rows = await store.figures(pool, organisation, after=after, limit=limit)
        return JSONResponse({"items": [{"subscription_id": row["subscription_id"], **_figures(row)} for row in rows]})

    @routes.get("/subscriptions/{subscriptionId}", summary="One of your subscriptions: state, cursor and figures")
    async def one(organisation: Organisation, subscriptionId: Id) -> Response:
        row = await subscriptions.own(organisation, subscriptionId)
        cursor, ends = await store.cursor_of(pool, subscriptionId), await lane_ends(pool)
        return JSONResponse({**_shown(row), "cursor": encode(cursor, ends.marks)})

    @routes.get("/subscriptions/{subscriptionId}/attempts", summary="Latest delivery attempts, newest first")
    async def attempts(
        organisation: Organisation,
        subscriptionId: Id,
        limit: Annotated[int, Query(ge=1, le=ATTEMPTS_MAX)] = ATTEMPTS_MAX,
    ) -> Response:
        await subscriptions.own(organisation, subscriptionId)
        rows = [dict(row) for row in await attempt_log.attempts(pool, subscriptionId, limit)]
        return Response(orjson.dumps({"items": rows}), media_type="application/json")


def _add_write_routes(routes: APIRouter, subscriptions: SubscriptionService, organisation_of: OrganisationOf) -> None:
    Organisation = Annotated[str, Depends(organisation_of)]
    one = "/subscriptions/{subscriptionId}"

    @routes.post(
        "/subscriptions",
        status_code=201,
        summary="Subscribe to events",
        openapi_extra=openapi_body(SubscriptionRequest) | _IDEMPOTENT,
    )
    async def create(request: Request, organisation: Organisation) -> Response:
        return await subscriptions.create(organisation, await read_json(request), idempotency.key_in(request))

    @routes.delete(one, status_code=204, summary="Cancel a subscription")
    async def cancel(organisation: Organisation, subscriptionId: Id) -> Response:
        return await subscriptions.cancel(organisation, subscriptionId)

    acknowledging = "Advance the cursor; events before it are not delivered again, by push or pull"

    @routes.post(
        f"{one}/_acknowledge", status_code=204, summary=acknowledging, openapi_extra=openapi_body(AcknowledgeRequest)
    )
    async def acknowledge(request: Request, organisation: Organisation, subscriptionId: Id) -> Response:
        return await subscriptions.acknowledge(organisation, subscriptionId, await read_json(request))

    @routes.post(f"{one}/_resume", status_code=204, summary="Retry pending deliveries now, also after a response 410")
    async def resume(organisation: Organisation, subscriptionId: Id) -> Response:
        return await subscriptions.resume(organisation, subscriptionId)

    @routes.post(
        f"{one}/_rotate",
        summary="Replace the secret; each replaced secret also signs for 24 hours from its replacement",
        openapi_extra=openapi_body(RotationRequest, required=False) | _IDEMPOTENT,
    )
    async def rotate(request: Request, organisation: Organisation, subscriptionId: Id) -> Response:
        key = idempotency.key_in(request)
        return await subscriptions.rotate(organisation, subscriptionId, await read_json(request), key)


async def _submit(
    submitter: Submitter, organisation: str, fact: str, subscription_id: str, stated: Mapping[str, Any], id: str
) -> Response:
    """Submit as ``POST /v1/events`` does, with the same response."""
    attributes = {
        "specversion": "1.0",
        "id": id,
        "source": f"urn:nld:oin:{organisation}:systeem:http",
        "type": type_name(fact),
    }
    envelope = Envelope(attributes, orjson.dumps({"subscription_id": subscription_id, **stated}))
    return await submit_over_http(submitter, organisation, envelope)


def status_of(row: Any) -> str:
    """The status of a subscription: *cancelled* by the subscriber, *incomplete*, *gone* or *active*.

    *Incomplete*: a recovery from Kafka restored no terms. *Gone*: the receiver answered 410, and nothing is sent
    until a request to ``_resume``.
    """
    if not row["active"]:
        return "cancelled"
    if row["delivery"] is None:
        return "incomplete"
    return "gone" if row["gone"] else "active"


def _shown(row: Any) -> dict[str, Any]:
    """A subscription for its subscriber: public state, terms, endpoint and figures, without the secret."""
    terms = orjson.loads(row["private"]) if row["private"] else {}
    state = {**orjson.loads(row["value"]), **terms, "status": status_of(row)}
    return {**state, "endpoint": row["url"], "figures": _figures(row)}


def _figures(row: Any) -> dict[str, Any]:
    """``failed`` counts attempts; ``pending`` and ``retrying`` count events. Only an active subscription retries."""
    status = status_of(row)
    retrying = row["postponed"] if status == "active" else 0
    names = ("sent", "failed", "pending", "last_error")
    return {**{name: row[name] for name in names}, "retrying": retrying, "gone": status == "gone"}


def _clamped(cursor: Cursor, ends: Cursor) -> Cursor:
    """The cursor, limited to the end of the feed: a later event cannot have been delivered."""
    return {name: min(place, ends[name]) for name, place in cursor.items() if name in ends}


def _refused_address(refusal: Exception) -> Problem:
    fix = "Send an https address on the public internet, or choose delivery pull."
    return Problem(code="invalid-field", field="/endpoint", detail=str(refusal), fix=fix)
