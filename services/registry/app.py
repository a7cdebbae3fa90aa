"""Application of the registry: decider and routers."""

from fastapi import FastAPI
from samenspel.contracts.topics import INITIATIVES, ORGANISATIONS
from samenspel.messaging import ServiceDefinition, create_app, serve

from services.registry.api import router
from services.registry.handlers import RegistryDecider
from services.registry.settings import Settings


def create(settings: Settings) -> FastAPI:
    definition = ServiceDefinition(
        name="registry",
        package="services.registry",
        description="Organisations, initiatives and rollouts, submitted by the leading and adopting organisations.",
        owns=(ORGANISATIONS, INITIATIVES),
        decider=lambda pool: RegistryDecider(settings.operator_oin),
        routers=lambda pool: [router(pool)],
    )
    return create_app(definition, settings)


def run() -> None:
    settings = Settings.read_or_exit("registry")
    serve("registry", settings, create(settings))
