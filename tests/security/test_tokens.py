"""A token not issued by our issuer is refused by RFC 6750, and nothing is stored."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import get_args

import orjson
import pytest
import pytest_asyncio
from joserfc.jwk import ECKey
from samenspel.client.access.local_issuer import Issuer
from samenspel.client.access.private_files import write_private
from samenspel.contracts.topics import Service

from deploy.local.system import LocalSystem
from tests.support.events import initiative
from tests.support.forged_tokens import Forger, forgeries
from tests.support.http_requests import Said, request
from tests.support.organisations import Organisation, admit, unique_oin
from tests.support.submitting import STRUCTURED, post
from tests.support.waiting import eventually

FORGERIES = dict(forgeries())
SERVICES: tuple[Service, ...] = get_args(Service)
INVALID = 'Bearer realm="samenspel", error="invalid_token"'


@pytest_asyncio.fixture(scope="module")
async def trap() -> AsyncIterator[list[str]]:
    """A forbidden address: the address, and then the list of visitors."""
    visits: list[str] = []
    server = await asyncio.start_server(lambda _, writer: (visits.append("visit"), writer.close()), "127.0.0.1", 0)
    visits.append(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/jwks.json")
    yield visits
    server.close()


@pytest_asyncio.fixture(scope="module")
async def city(system: LocalSystem) -> Organisation:
    return await admit(system)


@pytest.fixture(scope="module")
def forger(system: LocalSystem, city: Organisation, trap: list[str]) -> Forger:
    return Forger.at(system.profile.issuer_folder, city.oin, trap[0])


async def submit(city: Organisation, body: bytes, headers: Mapping[str, str], service: Service = "registry") -> Said:
    url = f"{city.system.services.urls()[service]}/v1/events"
    return await request("POST", url, {"content-type": STRUCTURED, **headers}, body)


@pytest.mark.parametrize("name", FORGERIES)
async def test_forged_token_is_refused_and_nothing_stored(
    city: Organisation, forger: Forger, trap: list[str], name: str
) -> None:
    event = city.event("initiative-registered", initiative())
    said = await submit(city, orjson.dumps(event), {"authorization": f"Bearer {FORGERIES[name](forger)}"})
    assert (said.status, said.headers["www-authenticate"]) == (401, INVALID)
    assert said.is_problem(401)
    assert (await post(city, "registry", event)).outcome == "accepted", "the first to be stored"
    assert len(trap) == 1, "nobody looked where the token said"


@pytest.mark.parametrize("service", SERVICES)
async def test_forged_token_is_refused_by_every_service(city: Organisation, forger: Forger, service: Service) -> None:
    for token in (forger.unsigned("none"), forger.strange(), forger.signed({"exp": 1})):
        said = await submit(city, b"{}", {"authorization": f"Bearer {token}"}, service)
        assert said.is_problem(401)


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({}, ""),
        ({"authorization": "Basic YTpi"}, ""),
        ({"authorization": "Bearer"}, ""),
        ({"cookie": "access_token={}"}, ""),
        ({}, "?access_token={}"),
    ],
)
async def test_only_a_bearer_token_in_its_header_counts(
    city: Organisation, headers: dict[str, str], query: str
) -> None:
    token = city.credential.token
    url = f"{city.system.services.urls()['registry']}/v1/initiatives{query.format(token)}"
    said = await request("GET", url, {name: value.format(token) for name, value in headers.items()})
    assert said.is_problem(401)
    assert said.headers["www-authenticate"] == 'Bearer realm="samenspel"'


async def test_request_with_two_tokens_is_refused(city: Organisation) -> None:
    url = f"{city.system.services.urls()['registry']}/v1/initiatives"
    twice = [("authorization", f"Bearer {city.credential.token}")] * 2
    said = await request("GET", url, twice)
    assert said.is_problem(400)
    assert 'error="invalid_request"' in said.headers["www-authenticate"]


async def test_token_submits_for_its_own_organisation_only(system: LocalSystem, city: Organisation) -> None:
    neighbour = await admit(system)
    event = city.event("initiative-registered", initiative())
    answer = await post(neighbour, "registry", event)
    assert (answer.status, answer.codes) == (403, {"source-mismatch"})
    assert (await post(city, "registry", event)).outcome == "accepted"


@pytest.mark.parametrize("service", SERVICES)
async def test_token_of_an_organisation_that_is_not_admitted_submits_nothing(
    city: Organisation, service: Service
) -> None:
    token = Issuer(city.system.profile.issuer_folder).mint(unique_oin())
    event = orjson.dumps(city.event("initiative-registered", initiative()))
    said = await submit(city, event, {"authorization": f"Bearer {token}"}, service)
    assert said.is_problem(403)


async def test_keys_rotate_while_the_service_runs(city: Organisation, forger: Forger) -> None:
    """A new key is valid at once, a removed key no longer; the service is not restarted."""
    file = city.system.profile.issuer_folder / "jwks.json"
    before = file.read_text()
    old = json.loads(before)["keys"]
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
    successor = Forger(key, city.oin, "", forger.stranger, forger.stranger_rsa)
    url = f"{city.system.services.urls()['registry']}/v1/initiatives?limit=1"

    async def opens(token: str) -> bool:
        return (await request("GET", url, {"authorization": f"Bearer {token}"})).status == 200

    async def refuses(token: str) -> bool:
        return not await opens(token)

    assert await opens(forger.signed()) and await refuses(successor.signed())
    try:
        write_private(file, json.dumps({"keys": [*old, key.as_dict(private=False)]}))
        await eventually(lambda: opens(successor.signed()), 40)
        assert await opens(forger.signed())
        write_private(file, json.dumps({"keys": [key.as_dict(private=False)]}))
        await eventually(lambda: refuses(forger.signed()), 40)
        assert await opens(successor.signed())
        write_private(file, "{")
        assert await opens(successor.signed()), "a file that is being written takes nobody's key away"
    finally:
        write_private(file, before)
    await eventually(lambda: refuses(successor.signed()), 40)
    assert await opens(forger.signed())
