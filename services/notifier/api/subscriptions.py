"""HTTP in: an organisation's subscriptions. They are made and cancelled as submissions, like all that happens."""

from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Annotated, Any, Final
from uuid import uuid4

import orjson
from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from samenspel.contracts.catalogue import type_name
from samenspel.contracts.cloudevents import Envelope
from samenspel.contracts.problems import Problem, problems_of
from samenspel.contracts.values import Id, Model
from samenspel.messaging import Submitter, submit_over_http
from samenspel.runtime.http import problem, read_body
from samenspel.runtime.postgres import Pool
from samenspel.runtime.wakeup import Wakeup

from services.notifier.api.feed import OrganisationOf, cursor_in
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
    """What the interface does with subscriptions; ``bell`` tells the sender."""

    pool: Pool
    submitter: Submitter
    wakeup: Wakeup
    secret_box: SecretBox
    local: bool

    async def create(self, organisation: str, body: bytes) -> Response:
        try:
            wanted = SubscriptionRequest.model_validate_json(body)
            if wanted.endpoint:
                addresses.parse(wanted.endpoint, local=self.local)
        except ValidationError as error:
            return _invalid(*problems_of(error))
        except addresses.AddressRefused as refusal:
            return _invalid(_refused_address(refusal))
        identity, made = str(uuid4()), {}
        if wanted.endpoint:
            made["secret"] = wanted.secret or new_secret()
            sealed = self.secret_box.encrypt(made["secret"])
            await endpoints.insert(self.pool, organisation, identity, wanted.endpoint, sealed)
        stated = {"types": wanted.types, "start": wanted.start, "delivery": "push" if made else "pull"}
        answer = await _submit(self.submitter, organisation, "subscription-created", identity, stated)
        if answer.status_code >= 400:
            return answer
        accepted = await self._is_accepted(organisation, identity)
        shown = {"subscription_id": identity, **made, "receipt": orjson.loads(answer.body)}
        return JSONResponse(shown, 201 if accepted else 202, {"Location": f"/v1/subscriptions/{identity}"})

    async def cancel(self, organisation: str, identity: str) -> Response:
        if not (await self.own(organisation, identity))["active"]:
            return Response(status_code=204)
        answer = await _submit(self.submitter, organisation, "subscription-cancelled", identity, {})
        return Response(status_code=204) if answer.status_code == 200 else answer

    async def acknowledge(self, organisation: str, identity: str, body: bytes) -> Response:
        try:
            cursor = cursor_in(AcknowledgeRequest.model_validate_json(body).cursor)
        except ValidationError as error:
            return _invalid(*problems_of(error))
        await self.own(organisation, identity)
        await store.acknowledge(self.pool, identity, _clamped(cursor, await end_positions(self.pool)))
        self.wakeup.notify()
        return Response(status_code=204)

    async def resume(self, organisation: str, identity: str) -> Response:
        await self.own(organisation, identity)
        await store.resume(self.pool, identity)
        self.wakeup.notify()
        return Response(status_code=204)

    async def rotate(self, organisation: str, identity: str) -> Response:
        if (await self.own(organisation, identity))["url"] is None:
            raise HTTPException(409, "nothing is signed for this subscription: it is not pushed")
        secret = new_secret()
        await endpoints.rotate(self.pool, organisation, identity, self.secret_box.encrypt(secret))
        return JSONResponse({"subscription_id": identity, "secret": secret})

    async def own(self, organisation: str, identity: str) -> Any:
        """The organisation's subscription with its figures; 404 when it has none of this id."""
        found = await store.figures(self.pool, organisation, identity)
        if not found:
            raise HTTPException(404, f"no subscription {identity} of yours is known")
        return found[0]

    async def _is_accepted(self, organisation: str, identity: str) -> bool:
        """An organisation that was admitted just now is known here a moment later: that is waited for."""
        deadline = monotonic() + ACCEPTED_SECONDS_MAX
        while True:
            ticket = self.wakeup.next_ticket
            if await store.figures(self.pool, organisation, identity):
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

    @routes.get("/subscriptions", summary="Your subscriptions, in order of id")
    async def list_all(organisation: Organisation) -> Response:
        return JSONResponse({"items": [_shown(row) for row in await store.figures(pool, organisation)]})

    @routes.get("/deliveries", summary="What was sent, is pending and has failed, per subscription of yours")
    async def deliveries(organisation: Organisation) -> Response:
        rows = await store.figures(pool, organisation)
        return JSONResponse({"items": [{"subscription_id": row["subscription_id"], **_figures(row)} for row in rows]})

    @routes.get("/subscriptions/{subscriptionId}", summary="One of your subscriptions: state, cursor and figures")
    async def one(organisation: Organisation, subscriptionId: Id) -> Response:
        row = await subscriptions.own(organisation, subscriptionId)
        return JSONResponse({**_shown(row), "cursor": encode(await store.cursor_of(pool, subscriptionId))})

    @routes.get("/subscriptions/{subscriptionId}/attempts", summary="The last attempts to tell you, latest first")
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
        "/subscriptions", status_code=201, summary="Be told", openapi_extra=_request_body(SubscriptionRequest)
    )
    async def create(request: Request, organisation: Organisation) -> Response:
        return await subscriptions.create(organisation, await read_body(request))

    @routes.delete(one, status_code=204, summary="Be told no longer")
    async def cancel(organisation: Organisation, subscriptionId: Id) -> Response:
        return await subscriptions.cancel(organisation, subscriptionId)

    moved = "Move the cursor on: what lies before it is not told any more, by push or pull"

    @routes.post(
        f"{one}/_acknowledge", status_code=204, summary=moved, openapi_extra=_request_body(AcknowledgeRequest)
    )
    async def acknowledge(request: Request, organisation: Organisation, subscriptionId: Id) -> Response:
        return await subscriptions.acknowledge(organisation, subscriptionId, await read_body(request))

    @routes.post(f"{one}/_resume", status_code=204, summary="Try again now, also where the receiver was gone (410)")
    async def resume(organisation: Organisation, subscriptionId: Id) -> Response:
        return await subscriptions.resume(organisation, subscriptionId)

    @routes.post(f"{one}/_rotate", summary="A new secret; the one before it signs along for 24 hours")
    async def rotate(organisation: Organisation, subscriptionId: Id) -> Response:
        return await subscriptions.rotate(organisation, subscriptionId)


async def _submit(
    submitter: Submitter, organisation: str, fact: str, identity: str, stated: Mapping[str, Any]
) -> Response:
    """The same desk as `POST /v1/events`, and the same answer."""
    attributes = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": f"urn:nld:oin:{organisation}:systeem:http",
        "type": type_name(fact),
    }
    envelope = Envelope(attributes, orjson.dumps({"subscription_id": identity, **stated}))
    return await submit_over_http(submitter, organisation, envelope)


def _shown(row: Any) -> dict[str, Any]:
    """A subscription as its subscriber sees it: public state, address, figures. The secret is never shown again."""
    return {**orjson.loads(row["value"]), "endpoint": row["url"], "figures": _figures(row)}


def _figures(row: Any) -> dict[str, Any]:
    """``failed`` counts attempts; ``pending`` and ``retrying`` count events."""
    names = ("sent", "failed", "pending", "retrying", "gone", "last_error")
    return {name: row[name] for name in names}


def _clamped(cursor: Cursor, ends: Cursor) -> Cursor:
    """Nobody can have been told what is not there yet."""
    return {name: min(place, ends[name]) for name, place in cursor.items() if name in ends}


def _request_body(model: type[Model]) -> dict[str, Any]:
    content = {"application/json": {"schema": model.model_json_schema()}}
    return {"requestBody": {"required": True, "content": content}}


def _invalid(*problems: Problem) -> Response:
    found = [each.model_dump() for each in problems]
    return problem(400, "Invalid request", f"{len(found)} problem(s)", found)


def _refused_address(refusal: Exception) -> Problem:
    fix = "Give an https address on the public internet, or choose delivery pull."
    return Problem(code="invalid-field", field="/endpoint", detail=str(refusal), fix=fix)
