"""HTTP basics of every service: NLGov API Design Rules 2.1, problem+json (RFC 9457), health and metrics."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from math import ceil
from typing import Annotated, Any, Final

import structlog
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from samenspel.contracts.jsonschema import schemas
from samenspel.contracts.problems import Problem, Rejected, pointer
from samenspel.runtime.concurrency_limit import ConcurrencyLimit
from samenspel.runtime.issuer_keys import KeysUnavailable
from samenspel.runtime.limits import LimitReached, acting_organisation
from samenspel.runtime.metrics import count_limit_reached
from samenspel.runtime.open_streams import stream_of
from samenspel.runtime.query_parameters import require_known_parameters
from samenspel.runtime.tokens import TokenRefused, TokenVerifier

log = structlog.get_logger()

API_VERSION: Final = "1.0.0"
BODY_BYTES_MAX: Final = 1_048_576
LARGE_BYTES: Final = 16_384
"""Bytes of a response body that uvicorn may hold for a client that does not read; uvicorn itself allows 65,536."""
PROBLEM: Final = "application/problem+json"
OrganisationOf = Callable[..., Awaitable[str] | AsyncIterator[str]]
"""FastAPI dependency that returns the OIN of the authenticated organisation."""
_HEADERS: Final = {
    "API-Version": API_VERSION,
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Strict-Transport-Security": "max-age=31536000",
}
_RAW_HEADERS: Final = [(name.lower().encode(), value.encode()) for name, value in _HEADERS.items()]

_KNOWN_PARAMETERS: Final = Depends(require_known_parameters)

RequireReader = Callable[[str], Awaitable[None]]
"""Raises `HTTPException` for an organisation that may not read."""
READING: Final = frozenset({"GET", "HEAD"})
Readiness = Callable[[], Awaitable[Mapping[str, str]]]
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_http_app(title: str, description: str, lifespan: Lifespan, readiness: Readiness) -> FastAPI:
    """An app with health, metrics, error responses and headers. ``readiness`` returns open problems by component."""
    app = FastAPI(
        title=title,
        description=description,
        version=API_VERSION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
        contact={"name": "Samenspel", "url": "https://samenspel.example", "email": "team@samenspel.example"},
        license_info={"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
        telemetry={"logs": False},
    )
    _add_description(app)
    _add_health(app, readiness)
    _add_schemas(app)
    _add_errors(app)
    app.add_middleware(SecurityHeaders)
    return app


def problem(
    status: int,
    title: str,
    detail: str,
    problems: Sequence[Mapping[str, Any]] = (),
    headers: Mapping[str, str] | None = None,
    left_out: int = 0,
) -> JSONResponse:
    """A problem+json response. The member ``errors`` lists all problems at once, each with a stable code.

    ``left_out`` is the number of problems that are not listed; the member ``problems_left_out`` tells it.

    The security headers are set here too: an internal error, or a refusal of a connection, passes no middleware.
    """
    body: dict[str, Any] = {"type": "about:blank", "status": status, "title": title, "detail": detail}
    if problems:
        body["errors"] = list(problems)
    if left_out:
        body["problems_left_out"] = left_out
    return JSONResponse(body, status, media_type=PROBLEM, headers={**_HEADERS, **(headers or {})})


def rejection(refusal: Rejected) -> JSONResponse:
    """The response to a request with these problems: status 413 for a body that is too large, else 400."""
    problems = [each.model_dump() for each in refusal.problems]
    status = 413 if any(each.code == "submission-too-large" for each in refusal.problems) else 400
    detail = f"{len(problems) + refusal.left_out} problem(s)"
    return problem(status, "Invalid request", detail, problems, left_out=refusal.left_out)


def api_router(*first: OrganisationOf, prefix: str = "", route_class: type[APIRoute] = APIRoute) -> APIRouter:
    """A router for the routers of a service. Dependencies of every request: ``first``, then known parameters only.

    So a request without a token is answered 401, whatever its parameters.
    """
    dependencies = [*map(Depends, first), _KNOWN_PARAMETERS]
    return APIRouter(prefix=prefix, dependencies=dependencies, route_class=route_class)


async def read_body(request: Request) -> bytes:
    """The request body, at most 1 MiB. Raises 413 before more bytes are read, and 415 for a compressed body."""
    if any(each.lower() != "identity" for each in request.headers.getlist("content-encoding")):
        raise HTTPException(
            415, "send the body uncompressed, without Content-Encoding", {"Accept-Encoding": "identity"}
        )
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_BYTES_MAX:
                detail = f"the body has at most {BODY_BYTES_MAX:,} bytes"
                raise HTTPException(413, detail, {"Connection": "close"})
    except ClientDisconnect:
        raise HTTPException(400, "the connection closed before the body was complete") from None
    return bytes(body)


def organisation_dependency(
    verifier: TokenVerifier, requests: ConcurrencyLimit, require_reader: RequireReader | None = None
) -> OrganisationOf:
    """A dependency that returns the OIN in the bearer token, and counts the request until the response is sent.

    One dependency serves all routes of an instance, so that ``requests`` limits reads and writes together. Raises 401
    for a missing or invalid token, 503 while the issuer's keys are unavailable, and `LimitReached`. A request that
    reads passes ``require_reader`` too; a decision itself judges the organisation of a submission.
    """

    async def organisation(request: Request) -> AsyncIterator[str]:
        authenticated = await _authenticated(verifier, request)
        async with requests.slot(authenticated, stream_of(request.scope)):
            acting_organisation.set(authenticated)
            try:
                if require_reader is not None and request.method in READING:
                    await require_reader(authenticated)
                yield authenticated
            finally:
                # The task of a pipelined request begins in the context of the request before.
                acting_organisation.set(None)

    return organisation


async def _authenticated(verifier: TokenVerifier, request: Request) -> str:
    given = request.headers.getlist("authorization")
    if len(given) > 1:
        raise HTTPException(400, "send one Authorization header", _challenge("invalid_request"))
    try:
        return await verifier.organisation_of(given[0] if given else None)
    except TokenRefused as refusal:
        raise HTTPException(401, str(refusal), _challenge(refusal.error)) from None
    except KeysUnavailable as missing:
        raise HTTPException(503, str(missing), {"Retry-After": "5"}) from None


def _challenge(error: str | None) -> dict[str, str]:
    """The ``WWW-Authenticate`` header of a 401 (RFC 6750 section 3); no error code for a request without a token."""
    code = f', error="{error}"' if error else ""
    return {"WWW-Authenticate": f'Bearer realm="samenspel"{code}'}


class SecurityHeaders:
    """ASGI middleware: the headers of every response, unless the response has one of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = message.get("headers", ())
                present = {name for name, _ in given}
                message["headers"] = [*given, *(each for each in _RAW_HEADERS if each[0] not in present)]
            elif len(message.get("body", b"")) > LARGE_BYTES and not message.get("more_body"):
                # uvicorn takes the last part at once, whatever the client has read. An empty last part waits for the
                # client, so that the request counts until its answer is taken.
                await send({**message, "more_body": True})
                message = {"type": "http.response.body"}
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _add_description(app: FastAPI) -> None:
    """Serve the OpenAPI document from a route of ours: FastAPI's own route has no dependencies."""

    async def description() -> Response:
        return JSONResponse(app.openapi())

    app.add_api_route("/v1/openapi.json", description, include_in_schema=False, dependencies=[_KNOWN_PARAMETERS])


def _add_health(app: FastAPI, readiness: Readiness) -> None:
    async def livez() -> Response:
        return JSONResponse({"status": "alive"})

    async def readyz() -> Response:
        problems = await readiness()
        body = {"status": "waiting" if problems else "ready", "amiss": problems}
        return JSONResponse(body, 503 if problems else 200)

    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    for path, endpoint in (("/livez", livez), ("/readyz", readyz), ("/metrics", metrics)):
        app.add_api_route(path, endpoint, include_in_schema=False)


def _add_schemas(app: FastAPI) -> None:
    """Serve the schemas of ``dataschema``: the path below `SCHEMA_BASE` equals the path below ``/v1/schemas``."""
    known = schemas()

    async def schema(path: str) -> Response:
        if path not in known:
            raise HTTPException(404, f"schema {path} does not exist; available: {', '.join(sorted(known))}")
        return JSONResponse(known[path], media_type="application/schema+json")

    summary = "JSON Schema of the data of an event type"
    app.add_api_route("/v1/schemas/{path:path}", schema, summary=summary, dependencies=[_KNOWN_PARAMETERS])


def _add_errors(app: FastAPI) -> None:
    async def refused(_: Request, error: Exception) -> Response:
        assert isinstance(error, StarletteHTTPException)
        return problem(error.status_code, "Request refused", str(error.detail), headers=error.headers)

    async def invalid(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        found = [
            Problem(
                code="invalid-field",
                field=pointer(each["loc"]),
                detail=each["msg"],
                fix="See GET /v1/openapi.json for the parameters of this resource.",
            )
            for each in error.errors()
        ]
        return problem(
            400, "Invalid request", "the request does not match the API", [each.model_dump() for each in found]
        )

    async def limited(_: Request, error: Exception) -> Response:
        assert isinstance(error, LimitReached)
        count_limit_reached(error.limit.name, error.organisation)
        again = {"Retry-After": str(max(1, ceil(error.retry_after_seconds)))}
        return problem(429, "Limit reached", str(error), [error.problem.model_dump()], again)

    async def rejected(_: Request, error: Exception) -> Response:
        assert isinstance(error, Rejected)
        return rejection(error)

    async def failed(request: Request, error: Exception) -> Response:
        log.exception("request failed", path=request.url.path, exc_info=error)
        return problem(500, "Internal error", "this is our fault; nothing was stored")

    app.add_exception_handler(StarletteHTTPException, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(LimitReached, limited)
    app.add_exception_handler(Rejected, rejected)
    app.add_exception_handler(Exception, failed)


def operator_only(operator: str, organisation_of: OrganisationOf, detail: str) -> OrganisationOf:
    """A dependency that returns the operator's OIN. Raises 403 with ``detail`` for any other organisation."""

    async def the_operator(organisation: Annotated[str, Depends(organisation_of)]) -> str:
        if organisation != operator:
            raise HTTPException(403, detail)
        return organisation

    return the_operator


def error_responses(descriptions: Mapping[int, str]) -> dict[int | str, dict[str, Any]]:
    """OpenAPI descriptions of the error responses, by status."""
    content = {PROBLEM: {"schema": {"type": "object"}}}
    return {status: {"description": text, "content": content} for status, text in descriptions.items()}
