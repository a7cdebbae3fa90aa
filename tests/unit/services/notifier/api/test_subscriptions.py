"""Subscriptions over HTTP: submitted like any event, shown to the own organisation only."""

from typing import Any

import orjson
import pytest
from fastapi.responses import JSONResponse
from samenspel.contracts.cloudevents import Envelope
from samenspel.contracts.topics import INITIATIVES
from samenspel.runtime.wakeup import Wakeup

from services.notifier.api import subscriptions as api
from services.notifier.domain.cursor import LanePosition, encode
from services.notifier.endpoints.signing import SecretBox
from services.notifier.store import endpoints
from services.notifier.store import subscriptions as store
from tests.support.asgi import Reply, ask
from tests.support.http_router import always, app_with

CITY, ID = "00000099000000000344", "5e6a2f6b-9c1a-4a53-9d0e-0c8f8f2a1b44"
URL = "https://utrecht.example/hook"
FIGURES = {"sent": 1, "failed": 0, "pending": 2, "retrying": 0, "gone": False, "last_error": None}


class Store:
    """A subscription of an organisation; records all writes and submissions."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, active: bool = True, url: str | None = URL) -> None:
        self.row = {"value": b'{"subscription_id":"x"}', "active": active, "url": url, "types": [], **FIGURES}
        self.row["subscription_id"] = ID
        self.submitted: list[dict[str, Any]] = []
        self.kept: list[Any] = []
        self.acknowledged: list[Any] = []
        for module, name in (
            (store, "figures"),
            (store, "acknowledge"),
            (endpoints, "insert"),
            (api, "end_positions"),
        ):
            monkeypatch.setattr(module, name, getattr(self, name))
        monkeypatch.setattr(endpoints, "rotate", self.insert)
        monkeypatch.setattr(api, "submit_over_http", self.submit)
        monkeypatch.setattr(api, "ACCEPTED_SECONDS_MAX", 0)

    async def figures(self, pool: object, organisation: str, identity: str | None = None) -> list[Any]:
        return [self.row] if organisation == CITY and identity in (None, ID) else []

    async def acknowledge(self, pool: object, identity: str, cursor: Any) -> None:
        self.acknowledged.append(cursor)

    async def insert(self, pool: object, *stored: Any) -> None:
        self.kept.append(stored)

    async def end_positions(self, pool: object) -> Any:
        return {(INITIATIVES, 0): LanePosition(1, 5)}

    async def submit(self, submitter: object, organisation: str, envelope: Envelope) -> JSONResponse:
        self.submitted.append({"type": envelope.type, "by": organisation, **orjson.loads(envelope.data)})
        return JSONResponse({"outcome": "accepted"}, 200)


async def call(method: str, path: str, body: Any = None, by: str = CITY) -> Reply:
    service: Any = api.SubscriptionService(None, None, Wakeup(), SecretBox("a key"), False)  # type: ignore[arg-type]
    return await ask(app_with(api.router(service, always(by))), method, f"/v1/{path}", body=body)


async def test_push_subscription_is_submitted_and_its_secret_shown_once(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Store(monkeypatch)
    reply = await call("POST", "subscriptions", {"endpoint": URL, "types": ["nl.samenspel.grant-awarded.v1"]})
    assert reply.status == 202, "accepted here a moment later"
    [stated] = known.submitted
    assert stated["type"] == "nl.samenspel.subscription-created.v1"
    assert (stated["delivery"], stated["start"], stated["types"]) == (
        "push",
        "now",
        ["nl.samenspel.grant-awarded.v1"],
    )
    [(organisation, identity, url, sealed)] = known.kept
    assert (organisation, identity, url) == (CITY, reply.json["subscription_id"], URL)
    assert SecretBox("a key").decrypt(sealed) == reply.json["secret"]
    assert "endpoint" not in stated, "an address is never published"


async def test_pull_subscription_has_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Store(monkeypatch)
    reply = await call("POST", "subscriptions", {})
    assert "secret" not in reply.json
    assert (known.kept, known.submitted[0]["delivery"]) == ([], "pull")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"endpoint": "https://127.0.0.1/"}, "/endpoint"),
        ({"endpoint": "ftp://x"}, "/endpoint"),
        ({"colour": 1}, "/colour"),
    ],
)
async def test_invalid_request_is_a_problem_and_submits_nothing(
    body: dict[str, Any], field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Store(monkeypatch)
    reply = await call("POST", "subscriptions", body)
    assert (reply.status, [each["field"] for each in reply.json["errors"]]) == (400, [field])
    assert known.submitted == known.kept == []


@pytest.mark.parametrize(("active", "submissions"), [(True, 1), (False, 0)])
async def test_cancelling_is_submitted_once(active: bool, submissions: int, monkeypatch: pytest.MonkeyPatch) -> None:
    known = Store(monkeypatch, active=active)
    assert (await call("DELETE", f"subscriptions/{ID}")).status == 204
    assert len(known.submitted) == submissions


async def test_acknowledgement_never_goes_beyond_the_feed(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Store(monkeypatch)
    cursor = encode({(INITIATIVES, 0): LanePosition(1, 9), (INITIATIVES, 1): LanePosition(1, 2)})
    assert (await call("POST", f"subscriptions/{ID}/_acknowledge", {"cursor": cursor})).status == 204
    assert known.acknowledged == [{(INITIATIVES, 0): LanePosition(1, 5)}]


@pytest.mark.parametrize(("url", "status"), [(URL, 200), (None, 409)])
async def test_secret_is_rotated_where_something_is_signed(
    url: str | None, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store(monkeypatch, url=url)
    assert (await call("POST", f"subscriptions/{ID}/_rotate")).status == status


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("GET", "/attempts"), ("DELETE", ""), ("POST", "/_resume"), ("POST", "/_rotate")],
)
async def test_subscription_of_another_organisation_is_unknown(
    method: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store(monkeypatch)
    assert (await call(method, f"subscriptions/{ID}{path}", by="00000099000000000363")).status == 404


async def test_list_shows_state_address_and_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    Store(monkeypatch)
    assert (await call("GET", "subscriptions")).json == {
        "items": [{"subscription_id": "x", "endpoint": URL, "figures": FIGURES}]
    }
    assert (await call("GET", "deliveries")).json == {"items": [{"subscription_id": ID, **FIGURES}]}
