"""Application of the notifier: decider, routers, feed and delivery worker."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import structlog
from fastapi import APIRouter, FastAPI
from samenspel.contracts.topics import CANONICAL, NOTIFICATIONS
from samenspel.messaging import TRANSIENT, ServiceContext, ServiceDefinition, create_app, serve
from samenspel.runtime.http import organisation_dependency
from samenspel.runtime.postgres import Pool
from samenspel.runtime.wakeup import Wakeup

from services.notifier.api import feed, subscriptions
from services.notifier.deliveries.worker import DeliveryWorker
from services.notifier.endpoints.signing import SecretBox
from services.notifier.feed import FeedWriter
from services.notifier.handlers import NotifierDecider
from services.notifier.settings import Settings
from services.notifier.store import attempts, endpoints, idempotency

log = structlog.get_logger()

ATTEMPT_DAYS: Final = 30
ENDPOINT_DAYS: Final = 1
CLEANUP_SECONDS: Final = 3_600.0


def create(settings: Settings) -> FastAPI:
    @asynccontextmanager
    async def background(context: ServiceContext) -> AsyncIterator[Sequence[APIRouter]]:
        wakeup, holder = Wakeup(), f"{socket.gethostname()}:{settings.http_port}"
        context.on_apply(wakeup.notify)
        worker = DeliveryWorker(context.pool, settings, wakeup, holder)
        tasks = [asyncio.create_task(worker.run()), asyncio.create_task(_delete_expired(context.pool))]
        organisation_of = organisation_dependency(context.verifier)
        try:
            yield [
                feed.router(context.pool, wakeup, organisation_of),
                subscriptions.router(_subscriptions(context, settings, wakeup), organisation_of),
            ]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    definition = ServiceDefinition(
        name="notifier",
        package="services.notifier",
        description="Delivers canonical events to subscribers: by webhook, or by a feed.",
        owns=(NOTIFICATIONS,),
        decider=lambda pool: NotifierDecider(settings.operator_oin, settings.lanes),
        routers=lambda pool: (),
        follows=tuple(CANONICAL),
        listener=lambda pool: FeedWriter(),
        background=background,
    )
    return create_app(definition, settings)


def run() -> None:
    settings = Settings.read_or_exit("notifier")
    serve("notifier", settings, create(settings))


def _subscriptions(context: ServiceContext, settings: Settings, wakeup: Wakeup) -> subscriptions.SubscriptionService:
    secret_box = SecretBox(settings.webhook_key.get_secret_value())
    return subscriptions.SubscriptionService(
        context.pool, context.submitter, wakeup, secret_box, settings.environment == "local"
    )


async def _delete_expired(pool: Pool) -> None:
    while True:
        try:
            await attempts.delete_old(pool, ATTEMPT_DAYS)
            await endpoints.delete_unused(pool, ENDPOINT_DAYS)
            await endpoints.delete_ended_secrets(pool)
            await idempotency.delete_old_keys(pool)
        except TRANSIENT as error:
            log.warning("cannot delete old attempts and unused endpoints; retrying", error=error)
        await asyncio.sleep(CLEANUP_SECONDS)
