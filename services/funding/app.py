"""Application of funding: decider, routers and followed topics."""

from fastapi import FastAPI
from samenspel.contracts.topics import FUNDING, INITIATIVES, ORGANISATIONS
from samenspel.messaging import ServiceDefinition, create_app, serve

from services.funding.api import router
from services.funding.handlers import FundingDecider
from services.funding.settings import Settings


def create(settings: Settings) -> FastAPI:
    definition = ServiceDefinition(
        name="funding",
        package="services.funding",
        description="Programmes, applications and decisions. No programme grants more than the ceiling.",
        owns=(FUNDING,),
        decider=lambda pool: FundingDecider(),
        routers=lambda pool: [router(pool)],
        follows=(ORGANISATIONS, INITIATIVES),
    )
    return create_app(definition, settings)


def run() -> None:
    settings = Settings.read_or_exit("funding")
    serve("funding", settings, create(settings))
