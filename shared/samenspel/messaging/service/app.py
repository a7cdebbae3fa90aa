"""A service's process: database, messaging and HTTP, started in this order and stopped in reverse."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import structlog
import uvicorn
from fastapi import APIRouter, Depends, FastAPI

from samenspel.messaging.errors import TRANSIENT
from samenspel.messaging.inbox import deferrals, quarantine
from samenspel.messaging.ingress.http_api import event_router
from samenspel.messaging.operator.lanes_api import lanes_router
from samenspel.messaging.operator.quarantine_api import quarantine_router
from samenspel.messaging.operator.redrive import Redrive
from samenspel.messaging.service.definition import ServiceContext, ServiceDefinition
from samenspel.messaging.service.readiness import problems
from samenspel.messaging.service.runtime import ServiceRuntime
from samenspel.runtime import logs, metrics
from samenspel.runtime.http import create_http_app, organisation_dependency
from samenspel.runtime.http_limits import uvicorn_settings
from samenspel.runtime.migrations import migrate
from samenspel.runtime.postgres import Pool, create_pool
from samenspel.runtime.settings import ServiceSettings
from samenspel.runtime.tokens import TokenVerifier

log = structlog.get_logger()

DATABASE_PAUSE_SECONDS: Final = 0.5
STOP_SECONDS_MAX: Final = 10


def create_app(definition: ServiceDefinition, settings: ServiceSettings) -> FastAPI:
    """The FastAPI app of a service. The lifespan starts and stops database, messaging and background work."""
    running: dict[str, ServiceRuntime] = {}

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        pool = await _database(definition, settings)
        runtime = ServiceRuntime(definition, settings, pool)
        verifier = TokenVerifier(settings.jwks, settings.token_issuer, settings.token_audience)
        for router in _routers(definition, settings, pool, runtime, verifier):
            app.include_router(router)
        await runtime.start()
        running["runtime"], gauges = runtime, asyncio.create_task(_update_gauges(pool, runtime))
        async with AsyncExitStack() as stack:
            if definition.background:
                context = ServiceContext(pool, runtime.submitter, verifier, runtime.after_apply.append)
                for router in await stack.enter_async_context(definition.background(context)):
                    app.include_router(router)
            yield
        gauges.cancel()
        await runtime.stop()
        pool.terminate()

    async def readiness() -> Mapping[str, str]:
        runtime = running.get("runtime")
        return problems(runtime, definition.name) if runtime else {"database": "not connected yet"}

    return create_http_app(f"Samenspel {definition.name}", definition.description, lifespan, readiness)


def _routers(
    definition: ServiceDefinition,
    settings: ServiceSettings,
    pool: Pool,
    runtime: ServiceRuntime,
    verifier: TokenVerifier,
) -> Iterator[APIRouter]:
    organisation, operator = organisation_dependency(verifier), settings.operator_oin
    redrive = Redrive(pool, runtime.processor)
    yield event_router(runtime.submitter, verifier)
    yield quarantine_router(pool, redrive, operator, organisation, runtime.relay.wake)
    yield lanes_router(runtime.lane_operations, operator, organisation)
    for own in definition.routers(pool):
        router = APIRouter(dependencies=[Depends(organisation)])
        router.include_router(own)
        yield router


def serve(name: str, settings: ServiceSettings, app: FastAPI) -> None:
    """Serve HTTP until SIGTERM or SIGINT."""
    logs.configure(name)
    # A batch creates thousands of short-lived objects: run the cycle collector rarely, and never on imported modules.
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)
    uvicorn.run(
        app,
        **uvicorn_settings(settings),
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=STOP_SECONDS_MAX,
    )


async def _database(definition: ServiceDefinition, settings: ServiceSettings) -> Pool:
    """The pool on a migrated database. An unreachable database is retried until it answers."""
    password = settings.postgres_password.get_secret_value()
    while True:
        try:
            await migrate(settings.postgres_dsn, password, ["samenspel.messaging", definition.package])
            return await create_pool(
                settings.postgres_dsn, password, f"samenspel-{definition.name}", settings.postgres_connections
            )
        except TRANSIENT as error:
            log.warning("PostgreSQL is unreachable; retrying", error=repr(error))
            await asyncio.sleep(DATABASE_PAUSE_SECONDS)


BACKLOG = "select coalesce(sum(l.sequence - p.sequence), 0) from lane l join relay_progress p using (topic, lane)"


async def _update_gauges(pool: Pool, runtime: ServiceRuntime) -> None:
    """Update the gauges of backlog, closed lanes, stalled lanes, deferrals and quarantine."""
    while True:
        try:
            async with pool.acquire() as connection:
                metrics.JOURNAL_BACKLOG.set(await connection.fetchval(BACKLOG))
                metrics.DEFERRED_SUBMISSIONS.set(await deferrals.count(connection))
                for reason, number in (await quarantine.count(connection)).items():
                    metrics.QUARANTINED_RECORDS.labels(reason).set(number)
        except Exception as error:
            # Catch all errors: an ended task would show old figures for ever.
            log.warning("gauges not updated", error=repr(error))
        metrics.LANES_NOT_RECONCILED.set(len(runtime.reconciler.closed_lanes))
        metrics.LANES_STALLED.set(len(runtime.projector.stalled))
        metrics.LANES_DIVERGED.set(len(runtime.projector.diverged))
        await asyncio.sleep(2)
