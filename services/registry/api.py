"""HTTP API of the registry: reads of initiatives and organisations. Submissions arrive at ``POST /v1/events``."""

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query, Response
from samenspel.contracts.catalogue import INITIATIVE
from samenspel.contracts.initiatives import Theme
from samenspel.contracts.values import Id, Oin
from samenspel.runtime.postgres import Pool

from services.registry import store

Limit = Annotated[int, Query(ge=1, le=store.PAGE_MAX)]
ListedPhase = Literal["idea", "pilot", "scaling", "established", "stopped"]


def router(pool: Pool) -> APIRouter:
    routes = APIRouter(prefix="/v1")

    @routes.get("/initiatives", summary="Initiatives, by id; `after` is the last id of the previous page")
    async def initiatives(
        after: Annotated[str, Query()] = "",
        theme: Annotated[Theme | None, Query()] = None,
        phase: Annotated[ListedPhase | None, Query()] = None,
        lead: Annotated[Oin | None, Query()] = None,
        limit: Limit = store.PAGE_MAX,
    ) -> Response:
        return _page(await store.initiatives(pool, after, theme, phase, lead, limit))

    @routes.get("/initiatives/{initiativeId}", summary="Public state of one initiative")
    async def initiative(initiativeId: Id) -> Response:
        value = await store.aggregate(pool, INITIATIVE.name, initiativeId)
        if value is None:
            raise HTTPException(404, f"initiative {initiativeId} does not exist; GET /v1/initiatives lists all")
        return Response(value, media_type="application/json")

    @routes.get("/organisations", summary="Admitted organisations, by OIN")
    async def organisations(after: Annotated[str, Query()] = "", limit: Limit = store.PAGE_MAX) -> Response:
        return _page(await store.organisations(pool, after, limit))

    return routes


def _page(values: list[bytes]) -> Response:
    return Response(b'{"items":[' + b",".join(values) + b"]}", media_type="application/json")
