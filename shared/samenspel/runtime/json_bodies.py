"""JSON bodies of the HTTP API: one strict parser for every resource, and problems with a fix for the HTTP reader."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from fastapi import HTTPException, Request
from pydantic import ValidationError

from samenspel.contracts.media_types import JSON, media_type
from samenspel.contracts.problems import Rejected, problems_of
from samenspel.contracts.strict_json import parse, require_few_values, without_bom
from samenspel.contracts.values import Model
from samenspel.runtime.http import read_body

BODY_SCHEMA: Final = "the request body of this resource in GET /v1/openapi.json"
M = TypeVar("M", bound=Model)


def json_body(model: type[M]) -> Callable[[Request], Awaitable[M]]:
    """A FastAPI dependency: the request body as ``model``.

    Raises `Rejected` with all problems at once, and HTTP 413 and 415.
    """

    async def body(request: Request) -> M:
        return parse_body(model, await read_json(request))

    return body


async def read_json(request: Request) -> bytes:
    """The bytes of a JSON body. Raises HTTP 413, and 415 for another or a repeated content type.

    The content type of an empty body says nothing: some clients send one for a request without a body.
    """
    given = request.headers.getlist("content-type")
    is_json = len(given) < 2 and media_type(given[0] if given else JSON) == JSON
    body = await read_body(request)
    if body and not is_json:
        raise HTTPException(415, f"send one header content-type: {JSON}", {"Accept": JSON})
    return body


def parse_body(model: type[M], body: bytes) -> M:
    """The body as ``model``. Raises `Rejected` (``not-utf-8``, ``not-json``, ``duplicate-key``, and of fields)."""
    require_few_values(body, parse(body))
    try:
        return model.model_validate_json(without_bom(body))
    except ValidationError as error:
        found = problems_of(error, BODY_SCHEMA)
        raise Rejected(*found, left_out=error.error_count() - len(found)) from None


def openapi_body(model: type[Model], *, required: bool = True) -> dict[str, Any]:
    """The request body in the OpenAPI document, for the argument ``openapi_extra`` of a route."""
    content = {JSON: {"schema": model.model_json_schema()}}
    return {"requestBody": {"required": required, "content": content}}
