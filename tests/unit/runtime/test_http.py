"""The HTTP side of every service: health, headers, problems, body limits and permissions."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, HTTPException, Query, Request
from samenspel.runtime.concurrency_limit import ConcurrencyLimit
from samenspel.runtime.http import (
    BODY_BYTES_MAX,
    PROBLEM,
    create_http_app,
    operator_only,
    organisation_dependency,
    problem,
    read_body,
)
from samenspel.runtime.issuer_keys import KeysUnavailable
from samenspel.runtime.limits import HTTP_REQUESTS, STORED_BYTES, LimitReached, acting_organisation
from samenspel.runtime.tokens import TokenRefused

from tests.support.asgi import Reply, ask
from tests.support.waiting import eventually

CITY, OPERATOR = "00000099000000000344", "00000099000000000001"


def app_with(problems: Mapping[str, str] | None = None) -> FastAPI:
    async def readiness() -> Mapping[str, str]:
        return problems or {}

    return create_http_app("test", "test", None, readiness)  # type: ignore[arg-type]  # no lifespan is needed


def requests(value: int = 16, seconds: float = 30) -> ConcurrencyLimit:
    return ConcurrencyLimit(HTTP_REQUESTS, value, seconds)


def _scope(path: str) -> dict[str, Any]:
    return {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": [], "http_version": "1.1"}


async def _nothing() -> dict[str, Any]:
    return {"type": "http.request", "body": b""}


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

    @app.get("/own", dependencies=[Depends(organisation_dependency(verifier, requests()))])  # type: ignore[arg-type]
    async def own() -> None: ...

    reply = await ask(app, "GET", "/own")
    assert reply.status == status
    assert reply.headers[header[0]] == header[1]


@pytest.mark.parametrize(("method", "status"), [("GET", 403), ("HEAD", 403), ("POST", 200)])
async def test_organisation_that_may_not_read_may_still_submit(method: str, status: int) -> None:
    """A decision itself judges the organisation of a submission, and defers it before the admission has arrived."""
    app = app_with()
    verifier: object = Verifier()
    refused: list[str] = []

    async def refuse(organisation: str) -> None:
        refused.append(organisation)
        raise HTTPException(403, "not admitted")

    @app.api_route("/own", methods=[method])
    async def own(who: Annotated[str, Depends(organisation_dependency(verifier, requests(), refuse))]) -> str:  # type: ignore[arg-type]
        return who

    reply = await ask(app, method, "/own", headers={"authorization": "Bearer city"})
    assert (reply.status, bool(refused)) == (status, status == 403)


@pytest.mark.parametrize(("token", "status"), [("operator", 200), ("city", 403)])
async def test_operator_path_is_for_the_operator_only(token: str, status: int) -> None:
    app = app_with()
    verifier: object = Verifier()
    organisation_of = organisation_dependency(verifier, requests())  # type: ignore[arg-type]

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


class Waiting:
    """An app with one read that waits until ``may_end``, for organisations named by their token."""

    def __init__(self, limit: ConcurrencyLimit) -> None:
        self.app = app_with()
        self.may_end = asyncio.Event()
        self.acting: list[str | None] = []
        verifier: object = Verifier()
        organisation_of = organisation_dependency(verifier, limit)  # type: ignore[arg-type]

        @self.app.get("/read")
        async def read(organisation: Annotated[str, Depends(organisation_of)]) -> str:
            self.acting.append(acting_organisation.get())
            await self.may_end.wait()
            return organisation

    async def ask(self, token: str) -> Reply:
        return await ask(self.app, "GET", "/read", headers={"authorization": f"Bearer {token}"})


async def test_request_above_the_limit_is_refused_and_another_organisation_is_answered() -> None:
    """Reads count: 40 requests of one organisation, 16 of them in progress."""
    service = Waiting(requests(seconds=0.01))
    flood = [asyncio.create_task(service.ask("city")) for _ in range(40)]
    await eventually(lambda: sum(task.done() for task in flood) == 24)
    assert service.acting == [CITY] * 16
    other = asyncio.create_task(service.ask("operator"))
    await eventually(lambda: service.acting[-1] == OPERATOR)
    service.may_end.set()
    replies = await asyncio.gather(*flood)
    assert (await other).status == 200
    assert sorted(each.status for each in replies) == [200] * 16 + [429] * 24
    refused = next(each for each in replies if each.status == 429)
    assert int(refused.headers["retry-after"]) >= 1
    assert [each["code"] for each in refused.json["errors"]] == ["limit-reached"]
    assert (await service.ask("city")).status == 200
    assert acting_organisation.get() is None


async def test_limit_reached_inside_a_request_is_answered_429_with_the_seconds_to_wait() -> None:
    app = app_with()

    @app.get("/full")
    async def full() -> None:
        raise LimitReached(STORED_BYTES, CITY, 1_000, 12.2)

    reply = await ask(app, "GET", "/full")
    assert (reply.status, reply.headers["retry-after"]) == (429, "13")
    assert "1,000 bytes" in reply.json["errors"][0]["detail"]


async def test_internal_error_carries_the_security_headers_and_no_detail() -> None:
    """Starlette answers it outside every middleware."""
    app = app_with()

    @app.get("/fails")
    async def fails() -> None:
        raise RuntimeError("geheim")

    sent: list[Any] = []

    async def keep(message: Any) -> None:
        sent.append(message)

    with pytest.raises(RuntimeError):
        await app(_scope("/fails"), _nothing, keep)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    assert sent[0]["status"] == 500
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["strict-transport-security"]
    assert b"geheim" not in sent[1]["body"]


def test_every_problem_carries_the_security_headers() -> None:
    """A connection that is refused before the application knows of it, too."""
    given = problem(431, "Request refused", "too long", headers={"Connection": "close"}).headers
    assert given["x-frame-options"] == "DENY"
    assert given["connection"] == "close"
