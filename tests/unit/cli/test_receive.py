"""`samenspel receive`: verified events as lines or JSON, and exit code 1 after a wrong signature."""

import socket
from types import TracebackType
from typing import Any

import orjson
import pytest
from samenspel.cli import receive
from samenspel.client.read.webhook_receiver import ReceivedDelivery

from tests.support.cli import run

EVENT = {
    "id": "1",
    "type": "nl.samenspel.grant-awarded.v1",
    "subject": "x",
    "lane": "samenspel.funding/0",
    "sequence": f"{7:020d}",
    "time": "2026-11-24T10:00:00Z",
}


class Receiver:
    """Has received an event and a repeat as soon as opened."""

    refused = 0
    failed = 0
    url = "http://127.0.0.1:9/"

    def __init__(self, secret: str, *, port: int, fail: int, **callback: Any) -> None:
        self.secret, self.port = secret, port
        [self._on_event] = callback.values()
        self.verified = [ReceivedDelivery("1", EVENT, repeated) for repeated in (False, True)]
        self.events = [EVENT]

    async def __aenter__(self) -> "Receiver":
        for each in self.verified:
            self._on_event(each)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...

    async def wait_for(self, count: int) -> None: ...


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> type[Receiver]:
    monkeypatch.setattr(receive, "WebhookReceiver", Receiver)
    return Receiver


def test_events_are_shown_as_lines_and_repeats_marked(receiver: type[Receiver]) -> None:
    shown = run("receive", "--count", "1")
    first, second = shown.stdout.splitlines()
    assert "samenspel.funding/0 #7" in first
    assert second.startswith(first)
    assert second != first
    assert "1 verified, 1 repeated, 0 failed, 0 refused" in shown.stderr
    assert "whsec_" in shown.stderr, "the secret to subscribe with"


def test_events_as_json_are_shown_once(receiver: type[Receiver]) -> None:
    shown = run("receive", "--count", "1", "--json", "--secret", "whsec_AAAA")
    assert [orjson.loads(line) for line in shown.stdout.splitlines()] == [EVENT]
    assert "whsec_" not in shown.stderr


def test_wrong_signature_ends_with_1(receiver: type[Receiver], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver, "refused", 1)
    assert run("receive", "--count", "1").exit_code == 1


def test_port_that_is_taken_ends_with_3() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        shown = run("receive", "--count", "1", "--port", port)
    assert shown.exit_code == 3
    assert f"cannot listen on port {port}" in shown.stderr


def test_secret_that_cannot_sign_ends_with_2() -> None:
    shown = run("receive", "--secret", "whsec_!")
    assert (shown.exit_code, "cannot sign" in shown.stderr) == (2, True)
