"""Every room of every service has a lock, and the operator's tools have one of their own."""

import re
from collections.abc import Iterator
from typing import Any, get_args
from uuid import uuid4

import pytest
from samenspel.contracts.topics import Service

from deploy.local.system import LocalSystem
from tests.support.http_requests import request
from tests.support.organisations import admit

SERVICES: tuple[Service, ...] = get_args(Service)
OPEN = {"/v1/schemas/{path}"}
OPERATORS = re.compile(r"/v1/(lanes|quarantine)\b")


async def operations(url: str) -> list[tuple[str, str]]:
    """Method and path of everything that the service says it does, with an id in every place for one."""
    described = (await request("GET", f"{url}/v1/openapi.json")).json["paths"]
    return list(_operations(described))


def _operations(paths: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for path, methods in paths.items():
        if path not in OPEN:
            for method in methods:
                yield method.upper(), re.sub(r"\{[^}]*\}", str(uuid4()), path)


@pytest.mark.parametrize("service", SERVICES)
async def test_nothing_is_shown_without_a_token(system: LocalSystem, service: Service) -> None:
    url = system.services.urls()[service]
    found = await operations(url)
    assert len(found) >= 4
    for method, path in found:
        assert (await request(method, f"{url}{path}", body=b"{}")).is_problem(401), (method, path)


@pytest.mark.parametrize("service", SERVICES)
async def test_the_operators_tools_are_the_operators(system: LocalSystem, service: Service) -> None:
    url = system.services.urls()[service]
    city = await admit(system)
    tools = [(method, path) for method, path in await operations(url) if OPERATORS.match(path)]
    assert tools
    token = {"authorization": f"Bearer {city.credential.token}", "content-type": "application/json"}
    for method, path in tools:
        assert (await request(method, f"{url}{path}", token, b"{}")).is_problem(403), (method, path)
