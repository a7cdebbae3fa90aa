"""Funding, wired together."""

from fastapi import FastAPI
from samenspel.contracts.topics import FUNDING, INITIATIVES, ORGANISATIONS
from samenspel.messaging.service.app import Parts, assemble, serve

from services.funding.api import router
from services.funding.handlers import FundingHandlers
from services.funding.settings import Settings


def create(settings: Settings) -> FastAPI:
    parts = Parts(
        name="funding",
        package="services.funding",
        description="Programmes, applications and decisions: no programme ever grants more than its ceiling.",
        owns=(FUNDING,),
        handlers=lambda pool: FundingHandlers(),
        routers=lambda pool: [router(pool)],
        follows=(ORGANISATIONS, INITIATIVES),
    )
    return assemble(parts, settings)


def run() -> None:
    settings = Settings.read()
    serve("funding", settings, create(settings))
