"""The operator's API of the lanes: requests passed on, and errors as problems."""

from typing import Any

import pytest
from samenspel.messaging.operator.lanes_api import lanes_router
from samenspel.messaging.recovery.lane_recovery import NotRecoverable, Recovered
from samenspel.messaging.recovery.timelines import Recoverable

from tests.support.asgi import Reply, ask
from tests.support.http_router import app_with

OPERATOR = "00000099000000000001"


class Operations:
    """Records the requests, and fails on demand."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.asked: list[tuple[Any, ...]] = []

    async def lanes(self) -> list[dict[str, Any]]:
        return [{"lane": "samenspel.initiatives/0", "reason": ""}]

    async def recover(self, operator: str, *, dry_run: bool) -> list[Recovered]:
        self.asked.append((operator, dry_run))
        if self.error:
            raise self.error
        return [Recovered("samenspel.initiatives/0", 1, 3)]

    async def new_timeline(self, operator: str, lane: str, why: str) -> int:
        self.asked.append((operator, lane, why))
        if self.error:
            raise self.error
        return 2


async def asked(operations: Operations, method: str, path: str, body: Any = None) -> Reply:
    async def organisation() -> str:
        return OPERATOR

    given: Any = operations
    app = app_with(lanes_router(given, OPERATOR, organisation))
    return await ask(app, method, path, body=body)


async def test_lanes_are_listed_as_items() -> None:
    reply = await asked(Operations(), "GET", "/v1/lanes")
    assert [each["lane"] for each in reply.json["items"]] == ["samenspel.initiatives/0"]


@pytest.mark.parametrize(("body", "dry_run"), [({}, False), ({"dryRun": True}, True)])
async def test_recovery_reports_every_lane(body: dict[str, bool], dry_run: bool) -> None:
    operations = Operations()
    reply = await asked(operations, "POST", "/v1/lanes/recoveries", body)
    assert operations.asked == [(OPERATOR, dry_run)]
    assert [(each["before"], each["after"]) for each in reply.json["items"]] == [(1, 3)]


async def test_new_timeline_is_started_with_its_reason() -> None:
    operations = Operations()
    body = {"lane": "samenspel.initiatives/0", "why": " the log is lost "}
    reply = await asked(operations, "POST", "/v1/lanes/timelines", body)
    assert reply.json == {"lane": "samenspel.initiatives/0", "timeline": 2}
    assert operations.asked == [(OPERATOR, "samenspel.initiatives/0", "the log is lost")]


@pytest.mark.parametrize("body", [{}, {"lane": "x/0", "why": " "}, {"lane": "x/0", "why": "y", "force": True}])
async def test_new_timeline_without_a_reason_or_with_an_unknown_field_is_refused(body: dict[str, Any]) -> None:
    operations = Operations()
    assert (await asked(operations, "POST", "/v1/lanes/timelines", body)).status == 400
    assert operations.asked == []


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (LookupError("no such lane"), 404),
        (NotRecoverable("another event"), 409),
        (Recoverable("recover it"), 409),
        (ConnectionRefusedError("away"), 503),
    ],
)
async def test_operation_that_fails_is_answered_with_its_status(error: Exception, status: int) -> None:
    reply = await asked(Operations(error), "POST", "/v1/lanes/recoveries", {})
    assert reply.status == status
    assert str(error) in reply.json["detail"]
