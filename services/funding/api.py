"""HTTP API of funding: reads of programmes and applications. Submissions arrive at the shared ``POST /v1/events``."""

from collections.abc import Mapping
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, HTTPException, Query, Response
from samenspel.contracts.values import Id
from samenspel.runtime.postgres import Pool

from services.funding import store

Limit = Annotated[int, Query(ge=1, le=store.PAGE_MAX)]
After = Annotated[str, Query()]


def router(pool: Pool) -> APIRouter:
    routes = APIRouter(prefix="/v1")

    @routes.get("/programmes", summary="Programmes with the granted and the available amount, by id")
    async def programmes(after: After = "", limit: Limit = store.PAGE_MAX) -> Response:
        return _page([_with_budget(row) for row in await store.programmes(pool, after, limit)])

    @routes.get("/programmes/{programmeId}", summary="One programme with the granted and the available amount")
    async def programme(programmeId: Id) -> Response:
        return _json(_with_budget(await _programme(programmeId)))

    @routes.get("/programmes/{programmeId}/applications", summary="Applications of a programme, by id")
    async def applications(programmeId: Id, after: After = "", limit: Limit = store.PAGE_MAX) -> Response:
        await _programme(programmeId)
        return _page(await store.applications(pool, programmeId, after, limit))

    @routes.get("/applications/{applicationId}", summary="One application, with decision and explanation")
    async def application(applicationId: Id) -> Response:
        value = await store.application(pool, applicationId)
        if value is None:
            raise HTTPException(404, f"application {applicationId} does not exist")
        return _json(value)

    async def _programme(programme_id: str) -> Mapping[str, Any]:
        row = await store.programme(pool, programme_id)
        if row is None:
            raise HTTPException(404, f"programme {programme_id} does not exist; GET /v1/programmes lists all")
        return row

    return routes


def _with_budget(row: Mapping[str, Any]) -> bytes:
    """The public state of the programme, plus the granted and the available amount in euro cents."""
    budget = {"granted_cents": row["granted_cents"], "left_cents": row["left_cents"]}
    return orjson.dumps(orjson.loads(row["value"]) | budget)


def _json(value: bytes) -> Response:
    return Response(value, media_type="application/json")


def _page(values: list[bytes]) -> Response:
    return _json(b'{"items":[' + b",".join(values) + b"]}")
