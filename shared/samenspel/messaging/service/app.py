"""A service's process: database, messaging and HTTP, started in that order and stopped in the other."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

import structlog
import uvicorn
from fastapi import APIRouter, Depends, FastAPI

from samenspel.messaging.decisions.decider import Handlers
from samenspel.messaging.errors import PASSING
from samenspel.messaging.inbox import deferrals, quarantine
from samenspel.messaging.ingress.http_api import event_router
from samenspel.messaging.operator.lanes_api import lanes_router
from samenspel.messaging.operator.quarantine_api import quarantine_router
from samenspel.messaging.operator.redrive import Redrive
from samenspel.messaging.projections.projector import Follower
from samenspel.messaging.service.messaging import Messaging
from samenspel.messaging.service.readiness import amiss
from samenspel.runtime import logs, metrics
from samenspel.runtime.http import create_app, organisation_by
from samenspel.runtime.http_limits import listening
from samenspel.runtime.migrations import migrate
from samenspel.runtime.postgres import Pool, create_pool
from samenspel.runtime.settings import ServiceSettings
from samenspel.runtime.tokens import TokenVerifier

log = structlog.get_logger()

DATABASE_PAUSE_SECONDS: Final = 0.5
STOP_SECONDS_MAX: Final = 10


@dataclass(frozen=True, slots=True)
class Running:
    """What a service's own work stands on, once its database and its messaging are there."""

    pool: Pool
    messaging: Messaging
    verifier: TokenVerifier


Alongside = Callable[[Running], AbstractAsyncContextManager[Sequence[APIRouter]]]
"""Work that lasts as long as messaging does; what it yields are the rooms that need it."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What makes one service another than the next."""

    name: str
    package: str
    description: str
    owns: Sequence[str]
    handlers: Callable[[Pool], Handlers]
    routers: Callable[[Pool], Sequence[APIRouter]]
    follows: Sequence[str] = ()
    follower: Callable[[Pool], Follower] | None = None
    alongside: Alongside | None = None


def assemble(parts: Parts, settings: ServiceSettings) -> FastAPI:
    """The app of a service; its lifespan starts and stops everything else."""
    running: dict[str, Messaging] = {}

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        pool = await _database(parts, settings)
        follower = parts.follower(pool) if parts.follower else None
        messaging = Messaging(parts.name, settings, pool, parts.handlers(pool), parts.owns, parts.follows, follower)
        verifier = TokenVerifier(settings.jwks, settings.token_issuer, settings.token_audience)
        app.include_router(event_router(messaging.submitter, verifier))
        redrive = Redrive(pool, messaging.desk)
        organisation = organisation_by(verifier)
        app.include_router(
            quarantine_router(pool, redrive, settings.operator_oin, organisation, messaging.relay.wake)
        )
        app.include_router(lanes_router(messaging.upkeep, settings.operator_oin, organisation))
        for router in parts.routers(pool):
            app.include_router(router, dependencies=[Depends(organisation)])
        await messaging.start()
        running["messaging"], watcher = messaging, asyncio.create_task(_watch(pool, messaging))
        async with AsyncExitStack() as work:
            if parts.alongside:
                for router in await work.enter_async_context(parts.alongside(Running(pool, messaging, verifier))):
                    app.include_router(router)
            yield
        watcher.cancel()
        await messaging.stop()
        pool.terminate()

    async def readiness() -> Mapping[str, str]:
        messaging = running.get("messaging")
        return amiss(messaging, parts.name) if messaging else {"database": "not connected yet"}

    return create_app(f"Samenspel {parts.name}", parts.description, lifespan, readiness)


def serve(name: str, settings: ServiceSettings, app: FastAPI) -> None:
    """Run until told to stop."""
    logs.configure(name)
    # A batch makes thousands of objects that die with it: look for cycles seldom, and never among what was imported.
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)
    uvicorn.run(
        app,
        **listening(settings),
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=STOP_SECONDS_MAX,
    )


async def _database(parts: Parts, settings: ServiceSettings) -> Pool:
    """The pool, on a migrated database; one that is away is waited for."""
    password = settings.postgres_password.get_secret_value()
    while True:
        try:
            await migrate(settings.postgres_dsn, password, ["samenspel.messaging", parts.package])
            return await create_pool(
                settings.postgres_dsn, password, f"samenspel-{parts.name}", settings.postgres_connections
            )
        except PASSING as error:
            log.warning("PostgreSQL is away; tried again", error=repr(error))
            await asyncio.sleep(DATABASE_PAUSE_SECONDS)


BACKLOG = "select coalesce(sum(l.sequence - p.sequence), 0) from lane l join published p using (topic, lane)"


async def _watch(pool: Pool, messaging: Messaging) -> None:
    """Keep the gauges: what is behind, closed, stalled, waiting or set apart."""
    while True:
        try:
            async with pool.acquire() as connection:
                metrics.JOURNAL_BACKLOG.set(await connection.fetchval(BACKLOG))
                metrics.WAITING.set(await deferrals.count(connection))
                for reason, number in (await quarantine.count(connection)).items():
                    metrics.QUARANTINED.labels(reason).set(number)
        except Exception as error:
            # Whatever it is: a watch that ended would show yesterday's figures for ever.
            log.warning("gauges not read", error=repr(error))
        metrics.DOORS_CLOSED.set(len(messaging.gate.closed))
        metrics.STALLED.set(len(messaging.projector.stalled))
        metrics.DIVERGED.set(len(messaging.projector.diverged))
        await asyncio.sleep(2)
