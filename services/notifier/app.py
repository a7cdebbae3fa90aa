"""Application of the notifier: decider, routers, feed and delivery worker."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import structlog
from fastapi import APIRouter, FastAPI
from samenspel.contracts.topics import CANONICAL, NOTIFICATIONS
from samenspel.messaging import TRANSIENT, LogEnds, ServiceContext, ServiceDefinition, create_app, serve
from samenspel.runtime import limits
from samenspel.runtime.limit_use import LimitUse
from samenspel.runtime.postgres import Pool
from samenspel.runtime.wakeup import Wakeup

from services.notifier.api import feed, subscriptions
from services.notifier.api.feed import FeedReader
from services.notifier.deliveries.worker import DeliveryWorker
from services.notifier.domain.subscriptions import SubscriptionLimits
from services.notifier.endpoints.signing import SecretBox
from services.notifier.feed import FeedEnds, FeedWriter
from services.notifier.handlers import NotifierDecider
from services.notifier.settings import Settings
from services.notifier.store import attempts, endpoints, idempotency
from services.notifier.store import subscriptions as subscription_store

log = structlog.get_logger()

ATTEMPT_DAYS: Final = 30
ENDPOINT_DAYS: Final = 1
CLEANUP_SECONDS: Final = 600.0


def create(settings: Settings) -> FastAPI:
    log_ends = LogEnds(settings)

    @asynccontextmanager
    async def background(context: ServiceContext) -> AsyncIterator[Sequence[APIRouter]]:
        wakeup, applied, holder = Wakeup(), Wakeup(), f"{socket.gethostname()}:{settings.http_port}"
        context.on_apply(wakeup.notify)
        context.on_apply(applied.notify)
        worker, ends = DeliveryWorker(context.pool, settings, wakeup, holder), FeedEnds(context.pool, applied, wakeup)
        reader = FeedReader.limited(context.pool, ends, settings.limit_streams, settings.limit_stream_seconds)
        _show_use(context.limit_use, settings, reader, worker)
        tasks = [asyncio.create_task(each) for each in (worker.run(), ends.run(), _delete_expired(context.pool))]
        try:
            yield [
                feed.router(reader, context.organisation_of),
                subscriptions.router(_subscriptions(context, settings, wakeup, log_ends), context.organisation_of),
            ]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await log_ends.close()

    definition = ServiceDefinition(
        name="notifier",
        package="services.notifier",
        description="Delivers canonical events to subscribers: by webhook, or by a feed.",
        owns=(NOTIFICATIONS,),
        decider=lambda pool: NotifierDecider(
            settings.operator_oin, settings.lanes, log_ends, _subscription_limits(settings)
        ),
        routers=lambda pool: (),
        follows=tuple(CANONICAL),
        listener=lambda pool: FeedWriter(),
        background=background,
    )
    return create_app(definition, settings)


def run() -> None:
    settings = Settings.read_or_exit("notifier")
    serve("notifier", settings, create(settings))


def _show_use(use: LimitUse, settings: Settings, reader: FeedReader, worker: DeliveryWorker) -> None:
    use.add_local(limits.OPEN_STREAMS, settings.limit_streams, reader.streams.use)
    use.add_local(limits.DELIVERIES, settings.limit_deliveries, lambda: dict(worker.running.by_organisation))
    use.add(limits.SUBSCRIPTIONS, settings.limit_subscriptions, subscription_store.count_active)


def _subscription_limits(settings: Settings) -> SubscriptionLimits:
    return SubscriptionLimits(settings.limit_subscriptions, settings.limit_endpoint_subscriptions)


def _subscriptions(
    context: ServiceContext, settings: Settings, wakeup: Wakeup, ends: LogEnds
) -> subscriptions.SubscriptionService:
    secret_box = SecretBox(settings.webhook_key.get_secret_value())
    return subscriptions.SubscriptionService(
        context.pool, context.submitter, wakeup, secret_box, ends, settings.environment == "local"
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
