"""HTTP in: what funding shows. What is submitted comes through the shared door, ``POST /v1/events``."""

from collections.abc import Mapping
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, HTTPException, Query, Response
from samenspel.contracts.values import Id
from samenspel.runtime.postgres import Pool

from services.funding import store

PAGE_MAX = 100
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX)]
After = Annotated[str, Query()]


def router(pool: Pool) -> APIRouter:
    routes = APIRouter(prefix="/v1")

    @routes.get("/programmes", summary="Programmes, what they have granted and what is left, in order of id")
    async def programmes(after: After = "", limit: Limit = PAGE_MAX) -> Response:
        return _page([_with_budget(row) for row in await store.programmes(pool, after, limit)])

    @routes.get("/programmes/{programmeId}", summary="One programme, what it has granted and what is left")
    async def programme(programmeId: Id) -> Response:
        return _json(_with_budget(await _programme(programmeId)))

    @routes.get("/programmes/{programmeId}/applications", summary="A programme's applications, in order of id")
    async def applications(programmeId: Id, after: After = "", limit: Limit = PAGE_MAX) -> Response:
        await _programme(programmeId)
        return _page(await store.applications(pool, programmeId, after, limit))

    @routes.get("/applications/{applicationId}", summary="One application, and the decision with its reasons")
    async def application(applicationId: Id) -> Response:
        value = await store.application(pool, applicationId)
        if value is None:
            raise HTTPException(404, f"no application {applicationId} is known")
        return _json(value)

    async def _programme(programme_id: str) -> Mapping[str, Any]:
        row = await store.programme(pool, programme_id)
        if row is None:
            raise HTTPException(404, f"no programme {programme_id} is known")
        return row

    return routes


def _with_budget(row: Mapping[str, Any]) -> bytes:
    """The programme as its event says it, and in euro cents what is granted and what is left of its ceiling."""
    budget = {"granted_cents": row["granted_cents"], "left_cents": row["left_cents"]}
    return orjson.dumps(orjson.loads(row["value"]) | budget)


def _json(value: bytes) -> Response:
    return Response(value, media_type="application/json")


def _page(values: list[bytes]) -> Response:
    return _json(b'{"items":[' + b",".join(values) + b"]}")
