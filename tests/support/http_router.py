"""Apps around a single router, as called by an organisation."""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, FastAPI, Request
from samenspel.runtime.http import api_router, create_http_app

OrganisationOf = Callable[[Request], Awaitable[str]]


def app_with(router: APIRouter) -> FastAPI:
    """With the error answers and headers of every service."""

    async def readiness() -> dict[str, str]:
        return {}

    app = create_http_app("test", "test", None, readiness)  # type: ignore[arg-type]  # no lifespan is needed
    api = api_router()
    api.include_router(router)
    app.include_router(api)
    return app


def always(organisation: str) -> OrganisationOf:
    """A dependency with this organisation for every request."""

    async def organisation_of(request: Request) -> str:
        return organisation

    return organisation_of
