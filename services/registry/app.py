"""The registry, wired together."""

from fastapi import FastAPI
from samenspel.contracts.topics import INITIATIVES, ORGANISATIONS
from samenspel.messaging.service.app import Parts, assemble, serve

from services.registry.api import router
from services.registry.handlers import RegistryHandlers
from services.registry.settings import Settings


def create(settings: Settings) -> FastAPI:
    parts = Parts(
        name="registry",
        package="services.registry",
        description="Organisations, initiatives and rollouts: registered by those who lead and adopt them.",
        owns=(ORGANISATIONS, INITIATIVES),
        handlers=lambda pool: RegistryHandlers(settings.operator_oin),
        routers=lambda pool: [router(pool)],
    )
    return assemble(parts, settings)


def run() -> None:
    settings = Settings.read()
    serve("registry", settings, create(settings))
