"""Every route of every service requires a token, and the operator's routes require the operator's token."""

import re
from collections.abc import Iterator
from typing import Any, get_args
from uuid import uuid4

import pytest
from samenspel.client.access.local_issuer import Issuer
from samenspel.contracts.topics import Service

from deploy.local.system import LocalSystem
from tests.support.http_requests import request
from tests.support.organisations import admit, unique_oin

SERVICES: tuple[Service, ...] = get_args(Service)
OPEN = {"/v1/schemas/{path}"}
OPERATORS = re.compile(r"/v1/(lanes|quarantine)\b")


async def operations(url: str) -> list[tuple[str, str]]:
    """Method and path of every documented operation, with an id for every parameter."""
    described = (await request("GET", f"{url}/v1/openapi.json")).json["paths"]
    return list(_operations(described))


def _operations(paths: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for path, methods in paths.items():
        if path not in OPEN:
            for method in methods:
                yield method.upper(), re.sub(r"\{[^}]*\}", str(uuid4()), path)


@pytest.mark.parametrize("service", SERVICES)
async def test_request_without_a_token_is_refused_on_every_path(system: LocalSystem, service: Service) -> None:
    url = system.services.urls()[service]
    found = await operations(url)
    assert len(found) >= 4
    for method, path in found:
        assert (await request(method, f"{url}{path}", body=b"{}")).is_problem(401), (method, path)


@pytest.mark.parametrize("service", SERVICES)
async def test_organisation_that_was_never_admitted_reads_nothing(system: LocalSystem, service: Service) -> None:
    """Its token is valid: the issuer knows clients, the services know the admitted organisations."""
    url = system.services.urls()[service]
    token = {"authorization": f"Bearer {Issuer(system.profile.issuer_folder).mint(unique_oin())}"}
    reads = [path for method, path in await operations(url) if method == "GET"]
    assert len(reads) >= 4
    for path in reads:
        assert (await request("GET", f"{url}{path}", token)).is_problem(403), path


@pytest.mark.parametrize("service", SERVICES)
async def test_operator_path_is_refused_to_an_organisation(system: LocalSystem, service: Service) -> None:
    url = system.services.urls()[service]
    city = await admit(system)
    tools = [(method, path) for method, path in await operations(url) if OPERATORS.match(path)]
    assert tools
    token = {"authorization": f"Bearer {city.credential.token}", "content-type": "application/json"}
    for method, path in tools:
        assert (await request(method, f"{url}{path}", token, b"{}")).is_problem(403), (method, path)
