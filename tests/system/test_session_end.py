"""Runs after all other tests: the law held on every lane of every service."""

import pytest
from samenspel.contracts.topics import Service

from deploy.local.system import LocalSystem
from tests.support.database import rows
from tests.support.invariants import is_published, recount, replay
from tests.support.organisations import Organisation
from tests.support.reading import read_topics
from tests.support.waiting import eventually

SERVICES: tuple[Service, ...] = ("registry", "funding", "notifier")


@pytest.mark.parametrize("service", SERVICES)
async def test_law_of_lanes_held_for_the_whole_session(
    system: LocalSystem, operator: Organisation, service: Service
) -> None:
    if system.services.daemon(service).process() is None:
        pytest.skip(f"{service} was not started")

    async def all_published() -> bool:
        return await is_published(system, service)

    await eventually(all_published, 30, "everything published")
    admin = {**operator.kafka, "sasl_plain_username": "admin", "sasl_plain_password": system.kafka.admin_password}
    topics = await rows(
        system, service, "select topic, max(lane) + 1 as lanes from lane group by topic order by topic"
    )
    await recount(system, service, replay(await read_topics(admin, {row["topic"]: row["lanes"] for row in topics})))
