"""Runs after all other tests: the law held on every lane of every service."""

import pytest
from samenspel.contracts.topics import Service

from deploy.local.system import LocalSystem
from tests.support.database import rows
from tests.support.invariants import judge_at_rest
from tests.support.organisations import Organisation
from tests.support.reading import read_topics

SERVICES: tuple[Service, ...] = ("registry", "funding", "notifier")


@pytest.mark.parametrize("service", SERVICES)
async def test_law_of_lanes_held_for_the_whole_session(
    system: LocalSystem, operator: Organisation, service: Service
) -> None:
    if system.services.daemon(service).process() is None:
        pytest.skip(f"{service} was not started")

    admin = {**operator.kafka, "sasl_plain_username": "admin", "sasl_plain_password": system.kafka.admin_password}
    found = await rows(
        system, service, "select topic, max(lane) + 1 as lanes from lane group by topic order by topic"
    )
    topics = {row["topic"]: row["lanes"] for row in found}
    await judge_at_rest(system, service, lambda: read_topics(admin, topics))
