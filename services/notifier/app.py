"""The notifier, wired together."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import structlog
from fastapi import APIRouter, FastAPI
from samenspel.contracts.topics import CANONICAL, NOTIFICATIONS
from samenspel.messaging.errors import PASSING
from samenspel.messaging.service.app import Parts, Running, assemble, serve
from samenspel.runtime.http import organisation_by
from samenspel.runtime.postgres import Pool
from samenspel.runtime.wakeup import Bell

from services.notifier.api import feed, subscriptions
from services.notifier.deliveries.worker import Sender
from services.notifier.endpoints.signing import Seal
from services.notifier.feed import Feed
from services.notifier.handlers import NotifierHandlers
from services.notifier.settings import Settings
from services.notifier.store import attempts, endpoints

log = structlog.get_logger()

ATTEMPT_DAYS: Final = 30
ENDPOINT_DAYS: Final = 1
FORGET_SECONDS: Final = 3_600.0


def create(settings: Settings) -> FastAPI:
    @asynccontextmanager
    async def alongside(running: Running) -> AsyncIterator[Sequence[APIRouter]]:
        bell, holder = Bell(), f"{socket.gethostname()}:{settings.http_port}"
        running.messaging.after_apply.append(bell.ring)
        sender = Sender(running.pool, settings, bell, holder)
        tasks = [asyncio.create_task(sender.run()), asyncio.create_task(_forget(running.pool))]
        organisation_of = organisation_by(running.verifier)
        yield [
            feed.router(running.pool, bell, organisation_of),
            subscriptions.router(_subscriptions(running, settings, bell), organisation_of),
        ]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    parts = Parts(
        name="notifier",
        package="services.notifier",
        description="Tells organisations what has happened: by webhook, or by a feed that they read.",
        owns=(NOTIFICATIONS,),
        handlers=lambda pool: NotifierHandlers(settings.operator_oin, settings.lanes),
        routers=lambda pool: (),
        follows=tuple(CANONICAL),
        follower=lambda pool: Feed(),
        alongside=alongside,
    )
    return assemble(parts, settings)


def run() -> None:
    settings = Settings.read()
    serve("notifier", settings, create(settings))


def _subscriptions(running: Running, settings: Settings, bell: Bell) -> subscriptions.Subscriptions:
    seal = Seal(settings.webhook_key.get_secret_value())
    return subscriptions.Subscriptions(
        running.pool, running.messaging.submitter, bell, seal, settings.environment == "local"
    )


async def _forget(pool: Pool) -> None:
    while True:
        try:
            await attempts.forget(pool, ATTEMPT_DAYS)
            await endpoints.forget(pool, ENDPOINT_DAYS)
        except PASSING as error:
            log.warning("old attempts not forgotten", error=repr(error))
        await asyncio.sleep(FORGET_SECONDS)
