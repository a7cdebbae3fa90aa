"""HTTP API for the operator's lane operations: list, recover, and start a new timeline."""

from collections.abc import Awaitable
from dataclasses import asdict
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, HTTPException, Response
from fastapi.responses import JSONResponse

from samenspel.messaging.errors import TRANSIENT
from samenspel.messaging.operator.lane_operations import LaneOperations
from samenspel.messaging.operator.requests import NewTimelineRequest, RecoveryRequest
from samenspel.messaging.recovery.lane_recovery import NotRecoverable
from samenspel.messaging.recovery.timelines import Recoverable
from samenspel.runtime.http import OrganisationOf, error_responses, operator_only
from samenspel.runtime.json_bodies import json_body, openapi_body

_REFUSED: Final = error_responses(
    {
        401: "The token is missing or not accepted",
        403: "The token is not the operator's",
        404: "The service or Kafka has no such lane",
        409: "The operation is not possible; the detail has the reason",
        503: "Kafka or PostgreSQL is unreachable; nothing was changed",
    }
)


def lanes_router(operations: LaneOperations, operator: str, organisation_of_request: OrganisationOf) -> APIRouter:
    """Routes of the lane operations, for the operator's token only."""
    routes = APIRouter(prefix="/v1/lanes", responses=_REFUSED)
    the_operator = operator_only(operator, organisation_of_request, "only the operator may manage lanes")
    Operator = Annotated[str, Depends(the_operator)]

    @routes.get("", summary="List lanes: timeline, sequence, published sequence, and the reason if not reconciled")
    async def listed(_: Operator) -> Response:
        return JSONResponse({"items": await operations.lanes()})

    @routes.post(
        "/recoveries",
        summary="Restore events that Kafka has and the database lacks",
        openapi_extra=openapi_body(RecoveryRequest),
    )
    async def recover(
        operator: Operator, request: Annotated[RecoveryRequest, Depends(json_body(RecoveryRequest))]
    ) -> Response:
        recovered = await _with_http_errors(operations.recover(operator, dry_run=request.dryRun))
        return JSONResponse({"items": [asdict(each) for each in recovered]})

    @routes.post(
        "/timelines",
        summary="Start a new timeline on a lane; discards events that only Kafka has",
        openapi_extra=openapi_body(NewTimelineRequest),
    )
    async def begin(
        operator: Operator, request: Annotated[NewTimelineRequest, Depends(json_body(NewTimelineRequest))]
    ) -> Response:
        timeline = await _with_http_errors(operations.new_timeline(operator, request.lane, request.why.strip()))
        return JSONResponse({"lane": request.lane, "timeline": timeline})

    return routes


async def _with_http_errors(operation: Awaitable[Any]) -> Any:
    try:
        return await operation
    except LookupError as error:
        raise HTTPException(404, str(error)) from None
    except (NotRecoverable, Recoverable) as error:
        raise HTTPException(409, str(error)) from None
    except TRANSIENT as error:
        raise HTTPException(503, f"nothing was changed; try again ({error!r})", {"Retry-After": "1"}) from None
