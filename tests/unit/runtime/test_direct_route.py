"""A direct route is as guarded and documented as every other route."""

from collections.abc import AsyncIterator
from typing import Annotated

import pytest
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from samenspel.runtime.direct_route import DirectRoute

from tests.support.asgi import ask
from tests.support.http_router import app_with


class Guard:
    """A dependency that is entered and left once per request."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def takes_nothing(self) -> None:
        self.seen.append("guarded")

    async def organisation_of(self, request: Request) -> AsyncIterator[str]:
        self.seen.append("entered")
        yield request.headers["authorization"]
        self.seen.append("left")


def app_of(guard: Guard) -> FastAPI:
    router = APIRouter(prefix="/v1", route_class=DirectRoute)

    @router.post("/things", summary="A thing")
    async def post_thing(request: Request, name: Annotated[str, Depends(guard.organisation_of)]) -> Response:
        guard.seen.append("called")
        return Response(name.encode() + await request.body())

    outer = APIRouter(dependencies=[Depends(guard.organisation_of), Depends(guard.takes_nothing)])
    outer.include_router(router)
    return app_with(outer)


async def test_dependencies_run_once_before_the_endpoint_and_end_after_the_response() -> None:
    guard = Guard()
    reply = await ask(app_of(guard), "POST", "/v1/things", headers={"authorization": "me"}, body=b"!")
    assert (reply.status, reply.body) == (200, b"me!")
    assert reply.headers["x-frame-options"] == "DENY"
    assert guard.seen == ["entered", "guarded", "called", "left"]


async def test_dependencies_of_outer_routers_run_too() -> None:
    """The router of every service refuses unknown parameters."""
    reply = await ask(app_of(Guard()), "POST", "/v1/things?unknown=1", headers={"authorization": "me"})
    assert reply.status == 400
    assert reply.json["errors"][0]["code"] == "unknown-field"


async def test_other_method_is_not_allowed_and_the_route_is_documented() -> None:
    app = app_of(Guard())
    assert (await ask(app, "GET", "/v1/things")).status == 405
    assert (await ask(app, "GET", "/v1/openapi.json")).json["paths"]["/v1/things"]["post"]["summary"] == "A thing"


async def test_dependency_with_parameters_of_its_own_is_refused() -> None:
    async def limited(limit: int) -> None: ...

    router = APIRouter(prefix="/v1", route_class=DirectRoute, dependencies=[Depends(limited)])

    @router.post("/things")
    async def post_thing(request: Request) -> Response:
        return Response()

    with pytest.raises(TypeError, match="the request or nothing"):
        await ask(app_with(router), "POST", "/v1/things?limit=1")
