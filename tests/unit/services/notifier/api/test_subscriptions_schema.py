"""Request bodies of the subscriptions API: problems name the OpenAPI document."""

from typing import Any, Final

import orjson
import pytest

from services.notifier.api.subscriptions import SubscriptionService

CITY: Final = "00000099000000000344"
UNUSED: Final[Any] = None


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"types": [], "colour": "red"}, "/colour", "unknown-field"),
        ({"start": "yesterday"}, "/start", "invalid-field"),
        ({"delivery": "push"}, "/", "invalid-field"),
        ({"endpoint": "ftp://utrecht.example/"}, "/endpoint", "invalid-field"),
    ],
)
async def test_body_is_refused_with_a_fix_for_the_http_reader(body: dict[str, Any], field: str, code: str) -> None:
    service = SubscriptionService(UNUSED, UNUSED, UNUSED, UNUSED, UNUSED, local=False)
    response = await service.create(CITY, orjson.dumps(body))
    (problem,) = orjson.loads(bytes(response.body))["errors"]
    assert response.status_code == 400
    assert (problem["field"], problem["code"]) == (field, code)
    assert "samenspel " not in problem["fix"]
    assert "GET /v1/openapi.json" in problem["fix"] or "https" in problem["fix"]


async def test_cursor_is_refused_with_a_fix_for_the_http_reader() -> None:
    service = SubscriptionService(UNUSED, UNUSED, UNUSED, UNUSED, UNUSED, local=False)
    response = await service.acknowledge(CITY, "5e6a2f6b-9c1a-4a53-9d0e-0c8f8f2a1b44", b'{"place": 1}')
    problems = orjson.loads(bytes(response.body))["errors"]
    assert {each["code"] for each in problems} == {"missing-field", "unknown-field"}
    assert all("GET /v1/openapi.json" in each["fix"] for each in problems)
