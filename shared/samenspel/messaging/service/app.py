"""A service's HTTP app, and the loop that serves it."""

import gc
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

import uvicorn
from fastapi import FastAPI

from samenspel.messaging.service.definition import ServiceDefinition
from samenspel.messaging.service.process import ServiceProcess
from samenspel.runtime import logs
from samenspel.runtime.http import create_http_app
from samenspel.runtime.http_limits import uvicorn_settings
from samenspel.runtime.libpq_environment import forget_variables
from samenspel.runtime.listening import AddressUnavailable, listen
from samenspel.runtime.settings import EXIT_ENVIRONMENT, ServiceSettings

STOP_SECONDS_MAX: Final = 10


def create_app(definition: ServiceDefinition, settings: ServiceSettings) -> FastAPI:
    """The FastAPI app of a service. HTTP answers at once; the lifespan starts and stops everything else."""
    process = ServiceProcess(definition, settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with process.running(app):
            yield

    async def readiness() -> Mapping[str, str]:
        return process.problems()

    return create_http_app(f"Samenspel {definition.name}", definition.description, lifespan, readiness)


def serve(name: str, settings: ServiceSettings, app: FastAPI) -> None:
    """Serve HTTP until SIGTERM or SIGINT. Exits with 3 if the address cannot be used."""
    forget_variables()
    logs.configure(name)
    # A batch creates thousands of short-lived objects: run the cycle collector rarely, and never on imported modules.
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)
    try:
        listener = listen(settings)
    except AddressUnavailable as error:
        print(f"{name} cannot start: {error}", file=sys.stderr)
        sys.exit(EXIT_ENVIRONMENT)
    config = uvicorn.Config(
        app,
        **uvicorn_settings(settings),
        log_config=None,
        log_level="warning",
        access_log=False,
        workers=1,
        timeout_graceful_shutdown=STOP_SECONDS_MAX,
    )
    uvicorn.Server(config).run(sockets=[listener])
