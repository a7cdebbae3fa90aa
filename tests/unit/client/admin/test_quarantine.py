"""The quarantine of a service, read and resolved by the operator's client."""

from typing import Any

from samenspel.client.admin.quarantine import QuarantineClient

from tests.support.http_service import OPERATOR, Request, serving

BASE = "/v1/quarantined-records"
SUMMARY = {"record": "x/0/1", "quarantined_at": "2026-11-24T12:00:00.000Z", "reason": "not-json", "open": True}
CONTENT = {"organisation": "o", "appended_at": "a", "detail": "d", "headers": [["a", None]], "key": None, "raw": None}
RECORD = {**SUMMARY, **CONTENT, "value": {"text": "x"}, "actions": []}


def answer(request: Request) -> tuple[int, Any]:
    if request.path.endswith("/actions"):
        return 200, {"outcome": "accepted"}
    if request.path != BASE:
        return 200, {**RECORD, "number": 7}
    after = int(request.query["after"])
    return 200, {"items": [{**SUMMARY, "number": number} for number in range(after + 1, min(after + 3, 6))]}


async def test_records_are_collected_page_after_page() -> None:
    async with serving(answer) as service:
        found = await QuarantineClient(service.system, OPERATOR, "registry").records(only_open=False)
    assert [each["number"] for each in found] == [1, 2, 3, 4, 5]
    assert [request.query["after"] for request in service.requests] == ["0", "2", "4", "5"]
    assert {request.query["onlyOpen"] for request in service.requests} == {"false"}


async def test_record_is_shown_and_resolved_by_its_number() -> None:
    async with serving(answer) as service:
        client = QuarantineClient(service.system, OPERATOR, "registry")
        assert (await client.record(7))["number"] == 7
        assert await client.act(7, "retry", "repaired") == "accepted"
    assert [request.path for request in service.requests] == [f"{BASE}/7", f"{BASE}/7/actions"]
    assert service.requests[1].body == {"action": "retry", "why": "repaired"}


async def test_server_that_sends_one_page_for_ever_is_read_once() -> None:
    async with serving(lambda request: (200, {"items": [{**SUMMARY, "number": 1}]})) as service:
        found = await QuarantineClient(service.system, OPERATOR, "registry").records(only_open=False)
    assert [each["number"] for each in found] == [1]
