"""The process of a service: HTTP answers first, then database, messaging and background work start.

The start is repeated until it succeeds. Meanwhile ``/livez`` answers, ``/readyz`` names the cause, and the other
resources answer 503.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import asyncpg
import structlog
from fastapi import APIRouter, FastAPI
from starlette.routing import Mount

from samenspel.messaging.errors import TRANSIENT
from samenspel.messaging.inbox import due_deferrals, quarantine
from samenspel.messaging.ingress.http_api import event_router
from samenspel.messaging.ingress.submissions_api import submission_router
from samenspel.messaging.kafka.heartbeat import KafkaHeartbeat
from samenspel.messaging.operator.lanes_api import lanes_router
from samenspel.messaging.operator.quarantine_api import quarantine_router
from samenspel.messaging.operator.redrive import Redrive
from samenspel.messaging.outbox import journal
from samenspel.messaging.projections import foreign_records
from samenspel.messaging.service import readiness
from samenspel.messaging.service.definition import ServiceContext, ServiceDefinition
from samenspel.messaging.service.read_admission import ReadAdmission
from samenspel.messaging.service.runtime import ServiceRuntime
from samenspel.messaging.service.service_limits import ServiceLimits
from samenspel.runtime import metrics
from samenspel.runtime.dependencies import Dependencies
from samenspel.runtime.http import OrganisationOf, api_router, organisation_dependency, problem
from samenspel.runtime.limit_use import LimitUse
from samenspel.runtime.migrations import MigrationChanged, migrate
from samenspel.runtime.postgres import NotDurable, Pool, create_pool, unavailable_reason
from samenspel.runtime.settings import ServiceSettings
from samenspel.runtime.tokens import TokenVerifier

log = structlog.get_logger()

START_PAUSE_SECONDS: Final = 0.5
RETRY_AFTER_SECONDS: Final = 5
GAUGE_SECONDS: Final = 2.0
START_ERRORS: Final = (asyncpg.PostgresError, NotDurable, MigrationChanged)
"""Errors of a start that `TRANSIENT` does not name: an operator must act, and the reason says so."""
BACKLOG = "select coalesce(sum(l.sequence - p.sequence), 0) from lane l join relay_progress p using (topic, lane)"


class ServiceProcess:
    """Start and stop of everything behind HTTP."""

    def __init__(self, definition: ServiceDefinition, settings: ServiceSettings) -> None:
        self._definition = definition
        self._settings = settings
        self._dependencies = Dependencies()
        self._verifier = TokenVerifier(
            settings.jwks, settings.token_issuer, settings.token_audience, self._dependencies.issuer_keys
        )
        self._runtime: ServiceRuntime | None = None
        self._stopping = asyncio.Event()

    def problems(self) -> Mapping[str, str]:
        """The present problems by name; empty for a ready service."""
        return readiness.problems(self._dependencies, self._runtime, self._definition.name)

    @asynccontextmanager
    async def running(self, app: FastAPI) -> AsyncIterator[None]:
        """Start in the background; stop at the end, also a start that still waits."""
        heartbeat = KafkaHeartbeat(self._settings.kafka(), self._dependencies.kafka)
        placeholder = Mount("/v1", app=self._respond_unavailable)
        app.router.routes.insert(0, placeholder)
        serving = asyncio.create_task(self._serve(app, placeholder))
        watches = [asyncio.create_task(each) for each in (heartbeat.run(), self._verifier.keys.watch())]
        try:
            yield
        finally:
            self._stopping.set()
            for task in watches if self._runtime else (*watches, serving):
                task.cancel()
            await asyncio.gather(*watches, serving, return_exceptions=True)

    async def _serve(self, app: FastAPI, placeholder: Mount) -> None:
        """Start, and start again after an error; then wait for the stop, and stop the parts. A start is cancelled."""
        while True:
            async with AsyncExitStack() as stack:
                try:
                    submissions, others = await self._start(stack)
                except Exception as error:
                    self._on_failed_start(error)
                else:
                    app.include_router(others)
                    app.router.routes.remove(placeholder)
                    # Most requests are submissions: FastAPI matches routes one by one, nested routers twice.
                    app.router.routes[:0] = submissions.routes
                    app.openapi_schema = None
                    await self._stopping.wait()
                    return
            await asyncio.sleep(START_PAUSE_SECONDS)

    async def _start(self, stack: AsyncExitStack) -> tuple[APIRouter, APIRouter]:
        """Start the parts one by one; ``stack`` stops the started parts.

        Returns the router of submissions, and the router of all other resources.
        """
        definition = self._definition
        pool = await _database(definition, self._settings)
        stack.callback(pool.terminate)
        runtime = ServiceRuntime(definition, self._settings, pool, self._dependencies)
        await runtime.start()
        stack.push_async_callback(runtime.stop)
        self._dependencies.database.works()
        limits = ServiceLimits.of(self._settings, pool, runtime)
        stack.callback(asyncio.create_task(_update_gauges(pool, runtime, limits.use)).cancel)
        admission = ReadAdmission(pool, self._settings.operator_oin, runtime.knows_organisations)
        organisation_of = organisation_dependency(self._verifier, limits.requests, admission.require)
        routers = list(_routers(definition, self._settings, pool, runtime, organisation_of))
        if definition.background:
            context = ServiceContext(pool, runtime.submitter, organisation_of, runtime.after_apply.append, limits.use)
            routers += await stack.enter_async_context(definition.background(context))
        self._runtime = runtime
        api = api_router(organisation_of)
        for router in routers:
            api.include_router(router)
        return event_router(runtime.submitter, organisation_of), api

    def _on_failed_start(self, error: Exception) -> None:
        """PostgreSQL is the only dependency of a start; any other error is a defect, and logged as one."""
        self._dependencies.database.failed(unavailable_reason(error))
        if not isinstance(error, (*TRANSIENT, *START_ERRORS)):
            log.exception("start failed; repeated", exc_info=error)

    async def _respond_unavailable(self, scope: Any, receive: Any, send: Any) -> None:
        """ASGI app in the place of all resources until the start has succeeded."""
        causes = "; ".join(f"{name}: {text}" for name, text in self.problems().items())
        retry = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        await problem(503, "Service unavailable", f"the service is starting; {causes}", headers=retry)(
            scope, receive, send
        )


def _routers(
    definition: ServiceDefinition,
    settings: ServiceSettings,
    pool: Pool,
    runtime: ServiceRuntime,
    organisation_of: OrganisationOf,
) -> Iterator[APIRouter]:
    operator = settings.operator_oin
    redrive = Redrive(pool, runtime.processor)
    yield submission_router(pool, organisation_of)
    yield quarantine_router(pool, redrive, operator, organisation_of, runtime.relay.wake)
    yield lanes_router(runtime.lane_operations, operator, organisation_of)
    yield from definition.routers(pool)


async def _database(definition: ServiceDefinition, settings: ServiceSettings) -> Pool:
    """The pool on a migrated database. Raises the error of PostgreSQL, `NotDurable` or `MigrationChanged`."""
    password = settings.postgres_password.get_secret_value()
    await migrate(settings.postgres_dsn, password, ["samenspel.messaging", definition.package])
    return await create_pool(
        settings.postgres_dsn,
        password,
        f"samenspel-{definition.name}",
        settings.postgres_connections,
        settings.limit_database_percent,
    )


async def _update_gauges(pool: Pool, runtime: ServiceRuntime, use: LimitUse) -> None:
    """Update the gauges of limits, backlog, closed lanes, stalled lanes, deferrals and quarantine."""
    while True:
        try:
            await runtime.watch_divergence()
            async with pool.acquire() as connection:
                metrics.JOURNAL_BACKLOG.set(await connection.fetchval(BACKLOG))
                metrics.FOREIGN_RECORDS.set(await foreign_records.count(connection))
                await runtime.hash_keys.refresh(connection)
                deferred = await due_deferrals.count_by_organisation(connection, runtime.processor.deferrals_max)
                metrics.DEFERRED_SUBMISSIONS.set(sum(deferred.values()))
                admitted = await journal.organisations(connection, runtime.processor.decider.domain)
                await use.update(connection, admitted)
                for reason, number in (await quarantine.count(connection)).items():
                    metrics.QUARANTINED_RECORDS.labels(reason).set(number)
        except Exception as error:
            # Catch all errors: an ended task would show old figures for ever.
            log.warning("gauges not updated", error=error)
        metrics.LANES_NOT_RECONCILED.set(len(runtime.reconciler.closed_lanes))
        metrics.LANES_STALLED.set(len(runtime.projector.stalled))
        metrics.LANES_DIVERGED.set(len(runtime.projector.diverged))
        metrics.INGRESS_HELD.set(len(runtime.kafka_receiver.held))
        await asyncio.sleep(GAUGE_SECONDS)
