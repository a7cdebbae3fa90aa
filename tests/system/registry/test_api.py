"""The registry's HTTP views: for every organisation, by filter, page after page."""

from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import orjson
import pytest

from deploy.local.system import LocalSystem
from tests.support.events import initiative
from tests.support.organisations import Organisation
from tests.support.submitting import post

Admit = Callable[..., Awaitable[Organisation]]


async def show(system: LocalSystem, path: str, token: str | None) -> tuple[int, Any]:
    url = system.services.urls()["registry"] + path
    headers = {"authorization": f"Bearer {token}"} if token else {}
    async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as response:
        return response.status, orjson.loads(await response.read())


@pytest.mark.parametrize("path", ["/v1/initiatives", "/v1/initiatives/x", "/v1/organisations"])
@pytest.mark.parametrize("token", [None, "nonsense", "eyJhbGciOiJub25lIn0.eyJvaW4iOiIwMDAwMDA5OTAwMDAwMDAwMDAwMSJ9."])
async def test_request_without_a_valid_token_shows_nothing(system: LocalSystem, path: str, token: str | None) -> None:
    status, body = await show(system, path, token)
    assert status == 401
    assert body["title"] == "Request refused"


async def test_initiatives_are_found_by_lead_and_theme(system: LocalSystem, organisation: Admit) -> None:
    city = await organisation()
    ours = [initiative(theme="climate"), initiative(theme="housing")]
    for data in ours:
        answer = await post(city, "registry", city.event("initiative-registered", data))
        assert answer.outcome == "accepted", answer
    token = city.credential.token

    status, page = await show(system, f"/v1/initiatives?lead={city.oin}", token)
    assert status == 200
    assert sorted(each["initiative_id"] for each in page["items"]) == sorted(each["initiative_id"] for each in ours)

    _, climate = await show(system, f"/v1/initiatives?lead={city.oin}&theme=climate", token)
    assert [each["initiative_id"] for each in climate["items"]] == [ours[0]["initiative_id"]]

    _, one = await show(system, f"/v1/initiatives/{ours[0]['initiative_id']}", token)
    assert (one["lead"], one["version"]) == (city.oin, 1)


async def test_unknown_id_or_filter_is_a_problem(system: LocalSystem, organisation: Admit) -> None:
    token = (await organisation()).credential.token
    assert (await show(system, "/v1/initiatives/00000000-0000-0000-0000-000000000000", token))[0] == 404
    status, problem = await show(system, "/v1/initiatives?theme=gardening", token)
    assert (status, problem["errors"][0]["field"]) == (400, "/query/theme")


async def test_every_dataschema_is_served(system: LocalSystem) -> None:
    status, schema = await show(system, "/v1/schemas/submissions/initiative-registered.v1.json", None)
    assert status == 200
    assert schema["$id"].endswith("/submissions/initiative-registered.v1.json")
