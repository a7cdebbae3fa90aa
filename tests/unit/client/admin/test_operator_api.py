"""The operator's requests to a service: with the token, and with the service's own reason when refused."""

import pytest
from samenspel.client.access.errors import EnvironmentUnavailable, RequestRefused
from samenspel.client.admin.operator_api import OperatorApi

from tests.support.http_service import OPERATOR, serving, system_at


async def test_request_carries_the_token_query_and_body() -> None:
    async with serving(lambda request: (200, {"items": []})) as service:
        api = OperatorApi(service.system, OPERATOR, "funding")
        assert await api.request("POST", "/v1/lanes/recoveries", {"a": "b"}, {"dry_run": True}) == {"items": []}
    [request] = service.requests
    assert (request.method, request.path) == ("POST", "/v1/lanes/recoveries")
    assert (request.query, request.body) == ({"a": "b"}, {"dry_run": True})
    assert request.authorization == "Bearer the-token"


async def test_refused_request_gives_the_reason_of_the_service() -> None:
    async with serving(lambda request: (409, {"detail": "it was resolved before"})) as service:
        with pytest.raises(RequestRefused, match=r"the funding: it was resolved before \(HTTP 409\)"):
            await OperatorApi(service.system, OPERATOR, "funding").request("GET", "/v1/lanes")


async def test_service_that_does_not_answer_is_unavailable() -> None:
    with pytest.raises(EnvironmentUnavailable, match=r"the funding at .* does not answer"):
        await OperatorApi(system_at("http://127.0.0.1:1"), OPERATOR, "funding").request("GET", "/v1/lanes")
