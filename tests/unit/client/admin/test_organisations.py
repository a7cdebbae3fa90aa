"""The list of organisations: page after page, until a page is empty."""

from typing import Any

import pytest
from samenspel.client.access.errors import EnvironmentUnavailable
from samenspel.client.admin.organisations import list_organisations

from tests.support.http_service import OPERATOR, Request, serving, system_at

PAGES: dict[str, list[dict[str, Any]]] = {
    "": [{"oin": "1"}, {"oin": "2"}],
    "2": [{"oin": "3"}],
}


def page(request: Request) -> tuple[int, Any]:
    return 200, {"items": PAGES.get(request.query.get("after", ""), [])}


async def test_organisations_are_collected_page_after_page() -> None:
    async with serving(page) as service:
        found = await list_organisations(service.system, OPERATOR)
    assert [each["oin"] for each in found] == ["1", "2", "3"]
    assert {request.path for request in service.requests} == {"/v1/organisations"}


async def test_registry_that_refuses_or_does_not_answer_is_unavailable() -> None:
    async with serving(lambda request: (503, {})) as service:
        with pytest.raises(EnvironmentUnavailable):
            await list_organisations(service.system, OPERATOR)
    with pytest.raises(EnvironmentUnavailable):
        await list_organisations(system_at("http://127.0.0.1:1"), OPERATOR)
