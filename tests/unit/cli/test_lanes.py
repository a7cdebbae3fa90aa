"""`samenspel lanes`: the list with the exit code, recovery, and a new timeline."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from samenspel.client.access.errors import RequestRefused
from samenspel.client.access.profile import Profile
from samenspel.client.admin.operator_answers import ObjectAnswer
from samenspel.client.admin.operator_api import OperatorApi

from tests.support.cli import run

LANE = {"lane": "samenspel.initiatives/0", "timeline": 1, "sequence": 9, "published": 7, "behind": 2, "reason": ""}
LOST = {"organisation": "00000099000000000344", "source": "urn:x"}
RECOVERED = {
    "lane": "samenspel.initiatives/0",
    "before": 7,
    "after": 9,
    "answers": 2,
    "broken_promises": [{**LOST, "id": "lost", "record": "http", "received_at": None}],
    "still_deferred": [
        {**LOST, "id": "kafka", "record": "samenspel.in.initiatives/0/3", "received_at": "2026-11-24T12:00:00.000Z"},
        {**LOST, "id": "deferred", "record": "http", "received_at": "2026-11-24T12:00:00.000Z"},
    ],
}


class Service:
    """Answers the operator, and keeps the questions."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.lanes = [LANE]
        self.refusal: RequestRefused | None = None

    async def request(
        self, api: OperatorApi, method: str, path: str, query: Mapping[str, str] | None, body: Any
    ) -> Any:
        self.asked.append((api.service, path, body))
        if self.refusal:
            raise self.refusal
        if path == "/v1/lanes":
            return {"items": self.lanes}
        if path == "/v1/lanes/recoveries":
            return {"items": [RECOVERED]}
        return {"lane": body["lane"], "timeline": 2}


@pytest.fixture
def service(operator: Profile, monkeypatch: pytest.MonkeyPatch) -> Service:
    made = Service()

    async def request(
        self: OperatorApi,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        shape: Any = ObjectAnswer,
    ) -> Any:
        return await made.request(self, method, path, query, body)

    monkeypatch.setattr(OperatorApi, "request", request)
    return made


@pytest.mark.parametrize(("reason", "code"), [("", 0), ("another event in Kafka", 1)])
def test_list_ends_with_1_while_a_lane_is_closed(service: Service, reason: str, code: int) -> None:
    service.lanes = [LANE, {**LANE, "lane": "samenspel.initiatives/1", "reason": reason}]
    shown = run("lanes", "list", "funding")
    assert shown.exit_code == code
    assert (reason or "samenspel.initiatives/1") in shown.stdout
    assert service.asked == [("funding", "/v1/lanes", None)]
    assert orjson.loads(run("lanes", "list", "funding", "--json").stdout) == service.lanes


@pytest.mark.parametrize(
    ("options", "dry_run", "said"), [([], False, "restored"), (["--dry-run"], True, "would be restored")]
)
def test_recovery_names_lanes_and_submissions_to_send_again(
    service: Service, options: list[str], dry_run: bool, said: str
) -> None:
    shown = run("lanes", "recover", "registry", *options)
    assert shown.exit_code == 0
    assert service.asked == [("registry", "/v1/lanes/recoveries", {"dry_run": dry_run})]
    assert "samenspel.initiatives/0: events 8 to 9, 2 answer(s)" in shown.stdout
    assert "00000099000000000344 must send again: urn:x lost\n" in shown.stdout
    assert "urn:x deferred, which counts as received at 2026-11-24T12:00:00.000Z\n" in shown.stdout
    assert "1 submission(s) will be read from Kafka and decided again" in shown.stderr
    assert said in shown.stderr


def test_new_timeline_needs_a_reason(service: Service) -> None:
    assert run("lanes", "new-timeline", "registry", "samenspel.initiatives/0").exit_code == 2
    shown = run("lanes", "new-timeline", "registry", "samenspel.initiatives/0", "--why", "the log is lost")
    assert "timeline 2" in shown.stdout
    assert service.asked[0][2] == {"lane": "samenspel.initiatives/0", "why": "the log is lost"}


def test_refusal_of_the_service_ends_with_1(service: Service) -> None:
    service.refusal = RequestRefused("the registry: recover it first (HTTP 409)")
    shown = run("lanes", "new-timeline", "registry", "samenspel.initiatives/0", "--why", "x")
    assert (shown.exit_code, "recover it first" in shown.stderr) == (1, True)
