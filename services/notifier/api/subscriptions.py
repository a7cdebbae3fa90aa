"""HTTP API of an organisation's subscriptions. Creation and cancellation are submissions."""

from collections.abc import Mapping
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
from samenspel.messaging import Submitter, submit_over_http
from samenspel.runtime.http import rejection
from samenspel.runtime.json_bodies import openapi_body, parse_body, read_json
from samenspel.runtime.postgres import Pool
from samenspel.runtime.wakeup import Wakeup

from services.notifier.api.feed import OrganisationOf, cursor_in, subscription_not_found
from services.notifier.api.models import AcknowledgeRequest, SubscriptionRequest
from services.notifier.domain.cursor import Cursor, encode
from services.notifier.endpoints import addresses
from services.notifier.endpoints.signing import SecretBox, new_secret
from services.notifier.feed import end_positions
from services.notifier.store import attempts as attempt_log
from services.notifier.store import endpoints
from services.notifier.store import subscriptions as store

ATTEMPTS_MAX: Final = 100
ACCEPTED_SECONDS_MAX: Final = 3.0
ACCEPTED_POLL_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class SubscriptionService:
    """Operations of the HTTP API on subscriptions. ``wakeup`` notifies the delivery worker."""

    pool: Pool
    submitter: Submitter
    wakeup: Wakeup
    secret_box: SecretBox
    local: bool

    async def create(self, organisation: str, body: bytes) -> Response:
        try:
            wanted = parse_body(SubscriptionRequest, body)
            if wanted.endpoint:
                addresses.parse(wanted.endpoint, local=self.local)
        except Rejected as refusal:
            return rejection(refusal)
        except addresses.AddressRefused as refusal:
            return rejection(Rejected(_refused_address(refusal)))
        subscription_id, made = str(uuid4()), {}
        if wanted.endpoint:
            made["secret"] = wanted.secret or new_secret()
            sealed = self.secret_box.encrypt(made["secret"])
            await endpoints.insert(self.pool, organisation, subscription_id, wanted.endpoint, sealed)
        stated = {"types": wanted.types, "start": wanted.start, "delivery": "push" if made else "pull"}
        answer = await _submit(self.submitter, organisation, "subscription-created", subscription_id, stated)
        if answer.status_code >= 400:
            return answer
        accepted = await self._is_accepted(organisation, subscription_id)
        shown = {"subscription_id": subscription_id, **made, "receipt": orjson.loads(answer.body)}
        return JSONResponse(shown, 201 if accepted else 202, {"Location": f"/v1/subscriptions/{subscription_id}"})

    async def cancel(self, organisation: str, subscription_id: str) -> Response:
        if not (await self.own(organisation, subscription_id))["active"]:
            return Response(status_code=204)
        answer = await _submit(self.submitter, organisation, "subscription-cancelled", subscription_id, {})
        return Response(status_code=204) if answer.status_code == 200 else answer

    async def acknowledge(self, organisation: str, subscription_id: str, body: bytes) -> Response:
        try:
            cursor = cursor_in(parse_body(AcknowledgeRequest, body).cursor)
        except Rejected as refusal:
            return rejection(refusal)
        await self.own(organisation, subscription_id)
        await store.acknowledge(self.pool, subscription_id, _clamped(cursor, await end_positions(self.pool)))
        self.wakeup.notify()
        return Response(status_code=204)

    async def resume(self, organisation: str, subscription_id: str) -> Response:
        await self.own(organisation, subscription_id)
        await store.resume(self.pool, subscription_id)
        self.wakeup.notify()
        return Response(status_code=204)

    async def rotate(self, organisation: str, subscription_id: str) -> Response:
        if (await self.own(organisation, subscription_id))["url"] is None:
            raise HTTPException(409, "this subscription has no endpoint, so there is no signing secret to rotate")
        secret = new_secret()
        await endpoints.rotate(self.pool, organisation, subscription_id, self.secret_box.encrypt(secret))
        return JSONResponse({"subscription_id": subscription_id, "secret": secret})

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

    @routes.get("/subscriptions", summary="Your subscriptions, by id")
    async def list_all(organisation: Organisation) -> Response:
        return JSONResponse({"items": [_shown(row) for row in await store.figures(pool, organisation)]})

    @routes.get("/deliveries", summary="Delivery figures of your subscriptions: sent, pending and failed")
    async def deliveries(organisation: Organisation) -> Response:
        rows = await store.figures(pool, organisation)
        return JSONResponse({"items": [{"subscription_id": row["subscription_id"], **_figures(row)} for row in rows]})

    @routes.get("/subscriptions/{subscriptionId}", summary="One of your subscriptions: state, cursor and figures")
    async def one(organisation: Organisation, subscriptionId: Id) -> Response:
        row = await subscriptions.own(organisation, subscriptionId)
        return JSONResponse({**_shown(row), "cursor": encode(await store.cursor_of(pool, subscriptionId))})

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
        openapi_extra=openapi_body(SubscriptionRequest),
    )
    async def create(request: Request, organisation: Organisation) -> Response:
        return await subscriptions.create(organisation, await read_json(request))

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

    @routes.post(f"{one}/_rotate", summary="Create a new secret; the old secret also signs for 24 hours")
    async def rotate(organisation: Organisation, subscriptionId: Id) -> Response:
        return await subscriptions.rotate(organisation, subscriptionId)


async def _submit(
    submitter: Submitter, organisation: str, fact: str, subscription_id: str, stated: Mapping[str, Any]
) -> Response:
    """Submit as ``POST /v1/events`` does, with the same response."""
    attributes = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": f"urn:nld:oin:{organisation}:systeem:http",
        "type": type_name(fact),
    }
    envelope = Envelope(attributes, orjson.dumps({"subscription_id": subscription_id, **stated}))
    return await submit_over_http(submitter, organisation, envelope)


def _shown(row: Any) -> dict[str, Any]:
    """A subscription for its subscriber: public state, endpoint and figures, without the secret."""
    return {**orjson.loads(row["value"]), "endpoint": row["url"], "figures": _figures(row)}


def _figures(row: Any) -> dict[str, Any]:
    """``failed`` counts attempts; ``pending`` and ``retrying`` count events."""
    names = ("sent", "failed", "pending", "retrying", "gone", "last_error")
    return {name: row[name] for name in names}


def _clamped(cursor: Cursor, ends: Cursor) -> Cursor:
    """The cursor, limited to the end of the feed: a later event cannot have been delivered."""
    return {name: min(place, ends[name]) for name, place in cursor.items() if name in ends}


def _refused_address(refusal: Exception) -> Problem:
    fix = "Send an https address on the public internet, or choose delivery pull."
    return Problem(code="invalid-field", field="/endpoint", detail=str(refusal), fix=fix)
