"""The operator's API of the quarantine: actions on a record, and errors as problems."""

from typing import Any

import pytest
from samenspel.messaging.operator.quarantine_api import quarantine_router
from samenspel.messaging.operator.redrive import AlreadyResolved, RecordNotFound

from tests.support.asgi import Reply, ask
from tests.support.http_router import app_with

OPERATOR = "00000099000000000001"


class Redrive:
    """Records the requests, and fails on demand."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.asked: list[tuple[str, int, str, str]] = []

    async def retry(self, number: int, operator: str, why: str) -> str:
        return self._acted("retry", number, operator, why)

    async def discard(self, number: int, operator: str, why: str) -> str:
        return self._acted("discard", number, operator, why)

    def _acted(self, action: str, number: int, operator: str, why: str) -> str:
        self.asked.append((action, number, operator, why))
        if self.error:
            raise self.error
        return "accepted"


async def act(redrive: Redrive, body: dict[str, Any], committed: list[None] | None = None) -> Reply:
    async def organisation() -> str:
        return OPERATOR

    notes = [] if committed is None else committed
    router = quarantine_router(None, redrive, OPERATOR, organisation, lambda: notes.append(None))  # type: ignore[arg-type]
    return await ask(app_with(router), "POST", "/v1/quarantined-records/7/actions", body=body)


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ({"action": "retry"}, ("retry", 7, OPERATOR, "")),
        ({"action": "retry", "why": " repaired "}, ("retry", 7, OPERATOR, "repaired")),
        ({"action": "discard", "why": "a test record"}, ("discard", 7, OPERATOR, "a test record")),
    ],
)
async def test_action_is_done_with_its_reason_and_wakes_the_relay(
    body: dict[str, Any], asked: tuple[Any, ...]
) -> None:
    redrive, committed = Redrive(), list[None]()
    assert (await act(redrive, body, committed)).json == {"outcome": "accepted"}
    assert redrive.asked == [asked]
    assert committed == [None]


@pytest.mark.parametrize("body", [{"action": "discard"}, {"action": "discard", "why": " "}, {"action": "burn"}])
async def test_discard_without_a_reason_is_refused(body: dict[str, Any]) -> None:
    redrive = Redrive()
    assert (await act(redrive, body)).status == 400
    assert redrive.asked == []


@pytest.mark.parametrize(
    ("error", "status"),
    [(RecordNotFound("none"), 404), (AlreadyResolved("done"), 409), (ConnectionRefusedError("away"), 503)],
)
async def test_action_that_fails_is_answered_with_its_status(error: Exception, status: int) -> None:
    assert (await act(Redrive(error), {"action": "retry"})).status == status
