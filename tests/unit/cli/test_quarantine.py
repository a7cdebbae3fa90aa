"""`samenspel quarantine`: records of all services, a record's content, and actions with outcomes."""

from typing import Any

import orjson
import pytest
from samenspel.client.access.profile import Profile
from samenspel.client.admin.quarantine import QuarantineClient

from tests.support.cli import run

RECORD: dict[str, Any] = {
    "number": 7,
    "organisation": "00000099000000000344",
    "record": "samenspel.in.initiatives.00000099000000000344/0/3",
    "appended_at": "2026-11-24T10:00:00.000+00:00",
    "quarantined_at": "2026-11-24T10:00:01.000+00:00",
    "reason": "decision-failed",
    "detail": "ZeroDivisionError",
    "open": True,
}
CONTENT: dict[str, Any] = {
    "headers": [["ce_id", {"text": "one"}], ["note", None]],
    "key": None,
    "value": {"base64": "/w=="},
    "raw": None,
    "actions": [
        {
            "action": "retry",
            "operator": "00000099000000000001",
            "why": "repaired",
            "outcome": "failed",
            "detail": "again",
            "taken_at": "2026-11-24T11:00:00.000+00:00",
        }
    ],
}


@pytest.fixture(autouse=True)
def services(operator: Profile, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The requests to the services; the registry has a record."""
    asked: list[Any] = []

    async def records(self: QuarantineClient, only_open: bool) -> list[dict[str, Any]]:
        asked.append((self.service, only_open))
        return [RECORD] if self.service == "registry" else []

    async def record(self: QuarantineClient, number: int) -> dict[str, Any]:
        return {**RECORD, **CONTENT}

    async def act(self: QuarantineClient, number: int, action: str, why: str) -> str:
        asked.append((self.service, number, action, why))
        return "failed" if number == 8 else "accepted"

    for stub in (records, record, act):
        monkeypatch.setattr(QuarantineClient, stub.__name__, stub)
    return asked


def test_list_shows_the_open_records_of_every_service(services: list[Any]) -> None:
    shown = run("quarantine", "list")
    assert RECORD["record"] in shown.stdout
    assert services == [("registry", True), ("funding", True), ("notifier", True)]


def test_list_of_one_service_may_include_closed_records(services: list[Any]) -> None:
    assert "nothing is in quarantine" in run("quarantine", "list", "--service", "funding", "--all").stdout
    assert services == [("funding", False)]
    [record] = orjson.loads(run("quarantine", "list", "--json").stdout)
    assert (record["service"], record["number"]) == ("registry", 7)


def test_record_is_shown_with_its_content_and_actions() -> None:
    shown = run("quarantine", "show", "7").stdout
    for expected in ("decision-failed", "header ce_id: one", "header note: null", "value: base64 /w==", "repaired"):
        assert expected in shown


@pytest.mark.parametrize(("number", "code"), [("7", 0), ("8", 1)])
def test_retry_ends_with_1_when_the_decision_fails_again(services: list[Any], number: str, code: int) -> None:
    assert run("quarantine", "retry", number, "--service", "funding", "--why", "repaired").exit_code == code
    assert services == [("funding", int(number), "retry", "repaired")]


def test_discard_needs_a_reason(services: list[Any]) -> None:
    assert run("quarantine", "discard", "7").exit_code == 2
    assert run("quarantine", "discard", "7", "--why", "a test").stdout.strip() == "accepted"
    assert services == [("registry", 7, "discard", "a test")]
