"""The operator's view of a service's lanes over HTTP, and what the operator can do when Kafka and they differ."""

from collections.abc import Awaitable
from dataclasses import asdict
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, HTTPException, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from samenspel.messaging.errors import TRANSIENT
from samenspel.messaging.operator.lane_operations import LaneOperations
from samenspel.messaging.recovery.lane_recovery import NotRecoverable
from samenspel.messaging.recovery.timelines import Recoverable
from samenspel.runtime.http import OrganisationOf, error_responses, operator_only

_REFUSED: Final = error_responses(
    {
        401: "No token, or not one that is accepted",
        403: "Not the operator",
        404: "No such lane, here or in Kafka",
        409: "It cannot be done, and the detail says why",
        503: "Kafka or PostgreSQL is away; nothing was changed",
    }
)


class RecoveryRequest(BaseModel):
    """``dryRun`` does everything, and takes it back."""

    model_config = ConfigDict(extra="forbid")

    dryRun: bool = False


class NewTimelineRequest(BaseModel):
    """The lane as ``<topic>/<number>``; giving up what Kafka holds of it needs a reason."""

    model_config = ConfigDict(extra="forbid")

    lane: Annotated[str, Field(max_length=300)]
    why: Annotated[str, Field(min_length=1, max_length=1_000, pattern=r"\S")]


def lanes_router(operations: LaneOperations, operator: str, organisation_of_request: OrganisationOf) -> APIRouter:
    """For the operator's token only."""
    routes = APIRouter(prefix="/v1/lanes", responses=_REFUSED)
    the_operator = operator_only(operator, organisation_of_request, "only the operator sees to the lanes")
    Operator = Annotated[str, Depends(the_operator)]

    @routes.get("", summary="Every lane: timeline, sequence, how far it is published, and why its door is closed")
    async def listed(_: Operator) -> Response:
        return JSONResponse({"items": await operations.lanes()})

    @routes.post("/recoveries", summary="Bring back from Kafka what the database has lost")
    async def recover(wanted: RecoveryRequest, operator: Operator) -> Response:
        found = await _with_http_errors(operations.recover(operator, dry_run=wanted.dryRun))
        return JSONResponse({"items": [asdict(each) for each in found]})

    @routes.post("/timelines", summary="Start a lane anew: what Kafka holds of it and we do not, is given up")
    async def begin(wanted: NewTimelineRequest, operator: Operator) -> Response:
        timeline = await _with_http_errors(operations.new_timeline(operator, wanted.lane, wanted.why.strip()))
        return JSONResponse({"lane": wanted.lane, "timeline": timeline})

    return routes


async def _with_http_errors(deed: Awaitable[Any]) -> Any:
    try:
        return await deed
    except LookupError as error:
        raise HTTPException(404, str(error)) from None
    except (NotRecoverable, Recoverable) as error:
        raise HTTPException(409, str(error)) from None
    except TRANSIENT as error:
        raise HTTPException(503, f"nothing was changed; ask again ({error!r})", {"Retry-After": "1"}) from None
