"""Parameters of the HTTP API: unknown, repeated and unreadable parameters are errors, all at once."""

from typing import Annotated

import pytest
from fastapi import APIRouter, Depends, Query

from tests.support.asgi import ask
from tests.support.http_router import app_with

NUL, ESCAPE, NEXT_LINE, INVALID, CUT = "%00", "%1b", "%C2%85", "%ff", "%C3"


async def since(since: Annotated[int, Query()] = 1) -> int:
    return since


def app() -> object:
    routes = APIRouter(prefix="/v1", dependencies=[Depends(since)])

    @routes.get("/pages/{name}")
    async def pages(name: str, after: Annotated[str, Query()] = "", limit: Annotated[int, Query()] = 1) -> str:
        return after

    @routes.post("/pages")
    async def make(day: Annotated[int, Depends(since)]) -> None: ...

    outer = APIRouter()
    outer.include_router(routes)
    return app_with(outer)


async def errors(target: str, method: str = "GET") -> set[tuple[str, str]]:
    reply = await ask(app(), method, target)  # type: ignore[arg-type]  # it is an app
    if reply.status == 200:
        return set()
    assert (reply.status, reply.headers["content-type"]) == (400, "application/problem+json"), reply.body
    return {(each["code"], each["field"]) for each in reply.json["errors"]}


@pytest.mark.parametrize("query", ["", "?", "?&", "?after=", "?after=x&limit=3", "?after=caf%C3%A9+x%20y%2F"])
async def test_known_parameters_are_accepted(query: str) -> None:
    assert await errors(f"/v1/pages/one{query}") == set()


@pytest.mark.parametrize("name", ["check", "After", "after[]", "", "%00", "%ff", "x" * 1_000])
async def test_unknown_parameter_is_refused_with_its_name(name: str) -> None:
    [(code, field)] = await errors(f"/v1/pages/one?{name}=true")
    assert code == "unknown-field"
    assert field.startswith("/query/")
    assert name.startswith("%") or field == f"/query/{name}"[:200]


async def test_unknown_parameter_of_a_request_that_changes_something_is_refused() -> None:
    """An ignored ``?check=true`` would send for real."""
    assert await errors("/v1/pages?check=true", "POST") == {("unknown-field", "/query/check")}
    assert await errors("/v1/pages?since=3", "POST") == set(), "a parameter of a dependency is known"


@pytest.mark.parametrize("value", [NUL, ESCAPE, NEXT_LINE, INVALID, CUT])
async def test_unreadable_value_is_refused_before_it_reaches_the_database(value: str) -> None:
    assert await errors(f"/v1/pages/one?after={value}") == {("invalid-field", "/query/after")}


async def test_repeated_parameter_is_refused() -> None:
    assert await errors("/v1/pages/one?limit=1&limit=2") == {("invalid-field", "/query/limit")}


async def test_all_wrong_parameters_are_named_at_once() -> None:
    found = await errors(f"/v1/pages/one?check=1&after={NUL}&limit=1&limit=1&dry=1")
    assert found == {
        ("unknown-field", "/query/check"),
        ("unknown-field", "/query/dry"),
        ("invalid-field", "/query/after"),
        ("invalid-field", "/query/limit"),
    }


@pytest.mark.parametrize("path", ["/v1/openapi.json", "/v1/schemas/initiative.v1.json"])
async def test_description_and_schemas_have_no_parameters(path: str) -> None:
    assert await errors(path) == set()
    assert await errors(f"{path}?version=2") == {("unknown-field", "/query/version")}


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
async def test_probes_may_add_a_parameter(path: str) -> None:
    assert await errors(f"{path}?nocache=1") == set()


async def test_control_character_in_a_path_parameter_is_refused() -> None:
    assert await errors("/v1/pages/a\x1bb") == {("invalid-field", "/path/name")}
