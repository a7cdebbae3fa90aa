"""The HTTP side of every service: health, headers, problems, body limits and permissions."""

from collections.abc import Mapping
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI, HTTPException, Query, Request
from samenspel.runtime.http import (
    BODY_BYTES_MAX,
    PROBLEM,
    create_http_app,
    operator_only,
    organisation_dependency,
    read_body,
)
from samenspel.runtime.issuer_keys import KeysUnavailable
from samenspel.runtime.tokens import TokenRefused

from tests.support.asgi import ask

CITY, OPERATOR = "00000099000000000344", "00000099000000000001"


def app_with(problems: Mapping[str, str] | None = None) -> FastAPI:
    async def readiness() -> Mapping[str, str]:
        return problems or {}

    return create_http_app("test", "test", None, readiness)  # type: ignore[arg-type]  # no lifespan is needed


class Verifier:
    """Knows a single token, and fails on demand."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error

    async def organisation_of(self, given: str | None) -> str:
        if self._error:
            raise self._error
        return OPERATOR if given == "Bearer operator" else CITY


async def test_ready_service_answers_200_and_a_service_with_problems_503() -> None:
    ready, waiting = await ask(app_with(), "GET", "/readyz"), await ask(app_with({"relay": "no"}), "GET", "/readyz")
    assert (ready.status, waiting.status) == (200, 503)
    assert "relay" in waiting.body.decode()


async def test_every_answer_carries_the_security_headers() -> None:
    app = app_with()
    for path in ("/livez", "/metrics", "/nowhere"):
        headers = (await ask(app, "GET", path)).headers
        assert headers["api-version"] == "1.0.0"
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]


async def test_unknown_path_is_a_problem_of_rfc_9457() -> None:
    reply = await ask(app_with(), "GET", "/nowhere")
    assert (reply.status, reply.headers["content-type"]) == (404, PROBLEM)
    assert {"status", "title", "detail"} <= reply.json.keys()


async def test_wrong_parameter_is_a_problem_with_its_field() -> None:
    app = app_with()

    @app.get("/page")
    async def page(limit: Annotated[int, Query(ge=1)]) -> int:
        return limit

    reply = await ask(app, "GET", "/page?limit=0")
    assert reply.status == 400
    assert [(each["code"], each["field"]) for each in reply.json["errors"]] == [("invalid-field", "/query/limit")]


async def test_published_schema_is_served_and_another_is_not_found() -> None:
    app = app_with()
    found = await ask(app, "GET", "/v1/schemas/initiative.v1.json")
    missing = await ask(app, "GET", "/v1/schemas/nothing.json")
    assert (found.status, missing.status) == (200, 404), missing.json
    assert found.headers["content-type"] == "application/schema+json"


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({}, b"x" * BODY_BYTES_MAX, 200),
        ({}, b"x" * (BODY_BYTES_MAX + 1), 413),
        ({"content-encoding": "gzip"}, b"x", 415),
        ({"content-encoding": "identity"}, b"x", 200),
    ],
)
async def test_body_is_read_up_to_its_limit_and_never_decompressed(
    headers: dict[str, str], body: bytes, status: int
) -> None:
    app = app_with()

    @app.post("/body")
    async def take(request: Request) -> int:
        return len(await read_body(request))

    reply = await ask(app, "POST", "/body", headers=headers, body=body)
    assert reply.status == status
    assert status != 200 or reply.json == len(body)


@pytest.mark.parametrize(
    ("error", "status", "header"),
    [
        (
            TokenRefused("expired", "invalid_token"),
            401,
            ("www-authenticate", 'Bearer realm="samenspel", error="invalid_token"'),
        ),
        (TokenRefused("no token", None), 401, ("www-authenticate", 'Bearer realm="samenspel"')),
        (KeysUnavailable("no keys"), 503, ("retry-after", "5")),
    ],
)
async def test_request_without_a_valid_token_is_refused_as_rfc_6750_says(
    error: Exception, status: int, header: tuple[str, str]
) -> None:
    app = app_with()
    verifier: object = Verifier(error)

    @app.get("/own", dependencies=[Depends(organisation_dependency(verifier))])  # type: ignore[arg-type]
    async def own() -> None: ...

    reply = await ask(app, "GET", "/own")
    assert reply.status == status
    assert reply.headers[header[0]] == header[1]


@pytest.mark.parametrize(("token", "status"), [("operator", 200), ("city", 403)])
async def test_operator_path_is_for_the_operator_only(token: str, status: int) -> None:
    app = app_with()
    verifier: object = Verifier()
    organisation_of = organisation_dependency(verifier)  # type: ignore[arg-type]

    @app.get("/lanes")
    async def lanes(who: Annotated[str, Depends(operator_only(OPERATOR, organisation_of, "not for you"))]) -> str:
        return who

    reply = await ask(app, "GET", "/lanes", headers={"authorization": f"Bearer {token}"})
    assert reply.status == status
    assert status == 200 or reply.json["detail"] == "not for you"


async def test_exception_with_headers_keeps_them_in_its_problem() -> None:
    app = app_with()

    @app.get("/later")
    async def later() -> None:
        raise HTTPException(503, "later", {"Retry-After": "1"})

    reply = await ask(app, "GET", "/later")
    assert (reply.status, reply.headers["retry-after"]) == (503, "1")
