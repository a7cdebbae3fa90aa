"""The operator's HTTP API of the quarantine: list, show, retry and discard records."""

from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, HTTPException, Query, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from samenspel.contracts.topics import organisation_of
from samenspel.messaging.errors import TRANSIENT
from samenspel.messaging.inbox import quarantine
from samenspel.messaging.operator.redrive import AlreadyResolved, RecordNotFound, Redrive
from samenspel.messaging.operator.requests import ActionRequest, RowNumber
from samenspel.runtime.http import OrganisationOf, error_responses, operator_only
from samenspel.runtime.json_bodies import json_body, openapi_body
from samenspel.runtime.postgres import Pool

PAGE_MAX: Final = 100
_REFUSED: Final = error_responses(
    {
        401: "No token, or not one that is accepted",
        403: "Not the operator",
        404: "No such record",
        409: "The record was resolved before",
        503: "PostgreSQL or Kafka is unreachable; nothing was stored",
    }
)


class ActionResult(BaseModel):
    """The outcome of the answer, *discarded*, or *failed*; after *failed* the record stays open."""

    outcome: str


def quarantine_router(
    pool: Pool,
    redrive: Redrive,
    operator: str,
    organisation_of_request: OrganisationOf,
    on_commit: Callable[[], None],
) -> APIRouter:
    """For the operator's token only. ``settled`` is called after each commit."""
    routes = APIRouter(prefix="/v1/quarantined-records", responses=_REFUSED)
    the_operator = operator_only(operator, organisation_of_request, "only the operator may read the quarantine")
    _add_read_routes(routes, pool, the_operator)
    _add_action_route(routes, redrive, the_operator, on_commit)
    return routes


def _add_read_routes(routes: APIRouter, pool: Pool, the_operator: OrganisationOf) -> None:
    @routes.get(
        "", summary="Quarantined records in order of number; `after` names the last number of the previous page"
    )
    async def records(
        _: Annotated[str, Depends(the_operator)],
        after: Annotated[RowNumber, Query()] = 0,
        onlyOpen: Annotated[bool, Query(description="Leave out resolved records")] = True,
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = PAGE_MAX,
    ) -> Response:
        async with pool.acquire() as connection:
            found = await quarantine.page(connection, after, onlyOpen, limit)
        return JSONResponse({"items": [_summary(row) for row in found]})

    @routes.get("/{number}", summary="One record with its raw content and the actions taken on it")
    async def record(number: RowNumber, _: Annotated[str, Depends(the_operator)]) -> Response:
        async with pool.acquire() as connection:
            row = await quarantine.find(connection, number)
            done = await quarantine.actions(connection, number)
        if row is None:
            raise HTTPException(404, f"the quarantine has no record {number}")
        return JSONResponse({**_summary(row), **_content(row), "actions": [_action(each) for each in done]})


def _add_action_route(
    routes: APIRouter, redrive: Redrive, the_operator: OrganisationOf, on_commit: Callable[[], None]
) -> None:
    @routes.post(
        "/{number}/actions",
        summary="Process the record again, or discard it",
        response_model=ActionResult,
        openapi_extra=openapi_body(ActionRequest),
    )
    async def act(
        number: RowNumber,
        operator: Annotated[str, Depends(the_operator)],
        wanted: Annotated[ActionRequest, Depends(json_body(ActionRequest))],
    ) -> Response:
        outcome = await _acted(redrive, number, operator, wanted)
        on_commit()
        return JSONResponse({"outcome": outcome})


async def _acted(redrive: Redrive, number: int, operator: str, wanted: ActionRequest) -> str:
    do = redrive.retry if wanted.action == "retry" else redrive.discard
    try:
        return await do(number, operator, wanted.why.strip())
    except RecordNotFound as error:
        raise HTTPException(404, str(error)) from None
    except AlreadyResolved as error:
        raise HTTPException(409, str(error)) from None
    except TRANSIENT:
        detail = "the service cannot decide now and stored nothing; repeat the request"
        raise HTTPException(503, detail, {"Retry-After": "1"}) from None


def _summary(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "number": row["number"],
        "organisation": organisation_of(row["topic"]),
        "record": row["record"] or f"{row['topic']}/{row['lane']}/{row['offset']}",
        "appended_at": datetime.fromtimestamp(row["appended_at"] / 1000, UTC).isoformat(timespec="milliseconds"),
        "quarantined_at": row["quarantined_at"].isoformat(timespec="milliseconds"),
        "reason": row["reason"],
        "detail": row["detail"],
        "open": row["open"],
    }


def _content(row: dict[str, Any]) -> dict[str, Any]:
    headers = quarantine.headers_in(row)
    return {
        "headers": None if headers is None else [[name, _readable(value)] for name, value in headers],
        **{part: _readable(row[part]) for part in ("key", "value", "raw")},
    }


def _readable(content: bytes | None) -> dict[str, str] | None:
    """Text if the bytes are UTF-8, else base64 (RFC 4648 §4)."""
    if content is None:
        return None
    try:
        return {"text": content.decode()}
    except UnicodeDecodeError:
        return {"base64": b64encode(content).decode()}


def _action(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "taken_at": row["taken_at"].isoformat(timespec="milliseconds")}
