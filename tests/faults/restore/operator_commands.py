"""The operator's commands, and the service's readiness meanwhile."""

import asyncio
import os
import subprocess
import sys
from typing import Any

import aiohttp
import orjson
from samenspel.client.access.profile import System
from samenspel.client.admin.operator_api import OperatorApi
from samenspel.contracts.topics import DOMAIN_OF, Service, ingress

from deploy.local.provisioning import fill_profile
from deploy.local.system import LocalSystem
from tests.support.database import rows
from tests.support.invariants import is_published
from tests.support.organisations import Organisation, operator_of
from tests.support.waiting import eventually

STATE = {
    "journal": "select * from journal order by topic, lane, timeline, sequence",
    "lane": "select topic, lane, timeline, sequence, digest from lane where sequence > 0 order by topic, lane",
    "aggregate": "select aggregate, subject, topic, lane, value, hash, removed from aggregate order by 1, 2",
    "submission": "select organisation, source, id, answer from submission order by 1, 2, 3",
}


async def samenspel(system: LocalSystem, *words: str) -> subprocess.CompletedProcess[str]:
    """The command, as the operator of this system."""
    fill_profile(system.profile, system.kafka.bootstrap, system.services.urls(), system.secrets)
    environment = {**os.environ, "SAMENSPEL_PROFILE": str(system.home.profile)}
    command = [sys.executable, "-c", "from samenspel.cli import main; main()", *words]
    return await asyncio.to_thread(
        subprocess.run, command, env=environment, capture_output=True, text=True, timeout=120
    )


async def recover(system: LocalSystem, service: Service) -> list[dict[str, Any]]:
    """The request of `samenspel lanes recover`; raises as the operator's API does."""
    operator = operator_of(system).credential
    urls = System(kafka=system.profile.system().kafka, http=system.services.urls())
    client = OperatorApi(urls, operator, service, seconds=120)
    found: list[dict[str, Any]] = (await client.request("POST", "/v1/lanes/recoveries", body={"dry_run": False}))[
        "items"
    ]
    return found


async def amiss(system: LocalSystem, service: Service) -> dict[str, str]:
    """The problems of ``/readyz``; empty for a ready service."""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session,
            session.get(f"{system.services.urls()[service]}/readyz") as response,
        ):
            found: dict[str, str] = orjson.loads(await response.read())["amiss"]
            return found
    except (aiohttp.ClientError, TimeoutError) as error:
        raise AssertionError(f"{service} does not answer: {error!r}") from None


async def is_ready(system: LocalSystem, service: Service) -> None:
    async def nothing_amiss() -> bool:
        found = await amiss(system, service)
        assert not found, found
        return True

    await eventually(nothing_amiss, 60, f"a ready {service}")


async def is_behind(system: LocalSystem, service: Service) -> dict[str, str]:
    """Wait until the service reports a needed recovery; returns all problems."""

    async def says_so() -> dict[str, str]:
        found = await amiss(system, service)
        assert "recovery" in found, found
        return found

    return await eventually(says_so, 60, f"a {service} that must be recovered")


async def has_read(system: LocalSystem, city: Organisation, number: int, service: Service = "registry") -> None:
    """Wait until the service stands behind this many records of the organisation's ingress, and has answered.

    The offset is committed with the answers; the answers reach Kafka later.
    """
    topic = ingress(DOMAIN_OF[service], city.oin)

    async def read() -> bool:
        [stands] = await rows(system, service, "select next_offset from ingress_offset where topic = $1", topic)
        assert stands["next_offset"] == number, stands
        return await is_published(system, service)

    await eventually(read, 60, f"{number} records read and answered")


async def state_of(system: LocalSystem, service: Service) -> dict[str, list[dict[str, Any]]]:
    """The state to bring back, table by table."""
    return {table: [dict(row) for row in await rows(system, service, query)] for table, query in STATE.items()}
