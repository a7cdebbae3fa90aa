"""Subscriptions over HTTP: submitted like any event, shown to the own organisation only."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from fastapi import HTTPException
from fastapi.responses import JSONResponse
from samenspel.contracts.cloudevents import Envelope
from samenspel.contracts.topics import INITIATIVES
from samenspel.messaging import LogEndsUnavailable
from samenspel.runtime.limits import STORED_BYTES, LimitReached
from samenspel.runtime.wakeup import Wakeup

from services.notifier.api import subscriptions as api
from services.notifier.domain.cursor import LanePosition, encode, mark_of
from services.notifier.endpoints.signing import SecretBox
from services.notifier.feed import LaneEnds
from services.notifier.store import endpoints, idempotency
from services.notifier.store import subscriptions as store
from services.notifier.store.idempotency import Claim
from tests.support.asgi import Reply, ask
from tests.support.http_router import always, app_with

CITY, ID = "00000099000000000344", "5e6a2f6b-9c1a-4a53-9d0e-0c8f8f2a1b44"
URL = "https://utrecht.example/hook"
FIGURES = {"sent": 1, "failed": 0, "pending": 2, "retrying": 1, "gone": False, "last_error": None}
TERMS = {"types": ["nl.samenspel.grant-awarded.v1"], "start": "now", "delivery": "push"}


async def answering(seconds: float) -> None:
    """Kafka answers."""


class Pool:
    """A pool without a database: the statements are replaced by `Store`."""

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator["Pool"]:
        yield self

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        yield


class Store:
    """A subscription of an organisation; records all writes and submissions."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, active: bool = True, url: str | None = URL) -> None:
        value = b'{"subscription_id":"x","status":"active"}'
        self.row: dict[str, Any] = {"value": value, "active": active, "url": url, **TERMS, **FIGURES, "postponed": 1}
        self.row["private"] = orjson.dumps(TERMS)
        self.keys: dict[str, Claim] = {}
        self.is_backwards = False
        self.row["subscription_id"] = ID
        self.submitted: list[dict[str, Any]] = []
        self.kept: list[Any] = []
        self.acknowledged: list[Any] = []
        for module, name in (
            (store, "figures"),
            (store, "acknowledge"),
            (endpoints, "insert"),
            (api, "lane_ends"),
        ):
            monkeypatch.setattr(module, name, getattr(self, name))
        monkeypatch.setattr(endpoints, "rotate", self.insert)
        monkeypatch.setattr(endpoints, "delete_refused", self.delete)
        monkeypatch.setattr(idempotency, "claim_key", self.claim)
        monkeypatch.setattr(api, "submit_over_http", self.submit)
        monkeypatch.setattr(api, "ACCEPTED_SECONDS_MAX", 0)

    async def figures(self, pool: object, organisation: str, identity: str | None = None, **_: Any) -> list[Any]:
        return [self.row] if organisation == CITY and identity in (None, ID) else []

    async def acknowledge(self, pool: object, identity: str, cursor: Any) -> bool:
        self.acknowledged.append(cursor)
        return not self.is_backwards

    async def claim(self, pool: object, organisation: str, key: str, request: bytes, secret: str | None) -> Claim:
        first = self.keys.setdefault(key, Claim(request, secret, is_first=True))
        return first._replace(is_first=first.secret == secret)

    async def insert(self, pool: object, *stored: Any) -> None:
        self.kept.append(stored)

    async def delete(self, pool: object, *key: str) -> None:
        self.kept = [stored for stored in self.kept if stored[:2] != key]

    async def lane_ends(self, pool: object) -> LaneEnds:
        lane = INITIATIVES, 0
        return LaneEnds({lane: LanePosition(1, 5)}, {lane: mark_of("first")})

    async def submit(self, submitter: object, organisation: str, envelope: Envelope) -> JSONResponse:
        stated = {"type": envelope.type, "id": envelope.id, "by": organisation}
        self.submitted.append({**stated, **orjson.loads(envelope.data)})
        return JSONResponse({"outcome": "accepted"}, 200)


async def call(
    method: str, path: str, body: Any = None, by: str = CITY, ends: Any = answering, **headers: str
) -> Reply:
    service: Any = api.SubscriptionService(Pool(), None, Wakeup(), SecretBox("a key"), ends, False)  # type: ignore[arg-type]
    app = app_with(api.router(service, always(by)))
    return await ask(app, method, f"/v1/{path}", body=body, headers=headers)


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


async def test_start_now_needs_kafka_and_start_beginning_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(seconds: float) -> None:
        raise LogEndsUnavailable(LogEndsUnavailable.__doc__)

    known = Store(monkeypatch)
    reply = await call("POST", "subscriptions", {"endpoint": URL}, ends=silent)
    assert (reply.status, reply.headers["retry-after"]) == (503, "1")
    assert "Kafka does not answer" in reply.json["detail"]
    assert "Nothing was stored" in reply.json["detail"]
    assert (known.kept, known.submitted) == ([], [])
    reply = await call("POST", "subscriptions", {"start": "beginning"}, ends=silent)
    assert reply.status == 202


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
        ({"endpoint": "", "delivery": "push"}, "/endpoint"),
        ({"endpoint": URL + "\0"}, "/endpoint"),
        ({"endpoint": f" {URL}"}, "/endpoint"),
        ({"endpoint": f"{URL}\r\nx: y"}, "/endpoint"),
        ({"endpoint": f"{URL}/é"}, "/endpoint"),
        ({"endpoint": "https://xn--/"}, "/endpoint"),
        ({"endpoint": "", "secret": "whsec_" + "A" * 32}, "/endpoint"),
        ({"endpoint": URL, "secret": "whsec_" + "A" * 33}, "/secret"),
        ({"colour": 1}, "/colour"),
        (b'{"types":["a"],"delivery":"pull","types":["b"]}', "/types"),
        (b'{"delivery":"pull","\\u0064elivery":"pull"}', "/delivery"),
        (b'{"delivery":NaN}', "/"),
    ],
)
async def test_invalid_request_is_a_problem_and_submits_nothing(
    body: dict[str, Any] | bytes, field: str, monkeypatch: pytest.MonkeyPatch
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


async def test_acknowledgement_with_a_cursor_of_another_system_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    known, lane = Store(monkeypatch), (INITIATIVES, 0)
    cursor = encode({lane: LanePosition(1, 3)}, {lane: mark_of("another")})
    reply = await call("POST", f"subscriptions/{ID}/_acknowledge", {"cursor": cursor})
    assert (reply.status, reply.headers["content-type"]) == (410, "application/problem+json")
    assert "this cursor is of another system: lane samenspel.initiatives/0" in reply.json["detail"]
    assert known.acknowledged == []


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


async def test_cursor_that_moves_back_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    Store(monkeypatch).is_backwards = True
    reply = await call("POST", f"subscriptions/{ID}/_acknowledge", {"cursor": ""})
    assert (reply.status, "never moves back" in reply.json["detail"]) == (409, True)


async def test_list_shows_state_address_and_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    Store(monkeypatch)
    shown = {"subscription_id": "x", "status": "active", **TERMS, "endpoint": URL, "figures": FIGURES}
    assert (await call("GET", "subscriptions")).json == {"items": [shown]}
    assert (await call("GET", "deliveries")).json == {"items": [{"subscription_id": ID, **FIGURES}]}


async def test_endpoint_of_a_refused_subscription_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Store(monkeypatch)

    async def refuse(*_: object) -> JSONResponse:
        assert len(known.kept) == 1
        return JSONResponse({"errors": []}, 409)

    async def limit(*_: object) -> JSONResponse:
        raise LimitReached(STORED_BYTES, CITY, 1, 60)

    async def not_admitted(*_: object) -> JSONResponse:
        raise HTTPException(403)

    async def unknown(*_: object) -> JSONResponse:
        raise HTTPException(503)

    for answer, status, kept in ((refuse, 409, 0), (limit, 429, 0), (not_admitted, 403, 0), (unknown, 503, 1)):
        monkeypatch.setattr(api, "submit_over_http", answer)
        assert (await call("POST", "subscriptions", {"endpoint": URL})).status == status
        assert len(known.kept) == kept


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "active"),
        ({"gone": True}, "gone"),
        ({"gone": True, "active": False}, "cancelled"),
        ({"delivery": None, "types": None, "private": None}, "incomplete"),
    ],
)
async def test_subscription_has_one_status(
    changes: dict[str, Any], status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store(monkeypatch).row.update(changes)
    [shown] = (await call("GET", "subscriptions")).json["items"]
    assert shown["status"] == status
    assert shown["figures"]["retrying"] == (1 if status == "active" else 0)
    assert shown["figures"]["gone"] is (status == "gone")


@pytest.mark.parametrize("path", ["_resume", "_acknowledge", "_rotate"])
@pytest.mark.parametrize("changes", [{"active": False}, {"delivery": None}], ids=["cancelled", "incomplete"])
async def test_request_that_can_have_no_effect_is_refused(
    path: str, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    Store(monkeypatch).row.update(changes)
    body = {"cursor": ""} if path == "_acknowledge" else None
    assert (await call("POST", f"subscriptions/{ID}/{path}", body)).status == 409


async def test_request_with_the_same_key_has_one_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    known, wanted = Store(monkeypatch), {"endpoint": URL}
    first, again = [await call("POST", "subscriptions", wanted, **{"idempotency-key": "k"}) for _ in range(2)]
    assert first.json["subscription_id"] == again.json["subscription_id"]
    assert first.json["secret"] == again.json["secret"]
    assert len({each["id"] for each in known.submitted}) == 1, "the second submission is a repeat"
    others = [await call("POST", "subscriptions", wanted) for _ in range(2)]
    others.append(await call("POST", "subscriptions", wanted, **{"idempotency-key": "another"}))
    assert len({each.json["subscription_id"] for each in (first, *others)}) == 4


async def test_rotation_with_the_same_key_has_one_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Store(monkeypatch)
    replies = [await call("POST", f"subscriptions/{ID}/_rotate", **{"idempotency-key": "k"}) for _ in range(2)]
    assert replies[0].json == replies[1].json
    assert len(known.kept) == 1


async def test_rotation_takes_a_secret_of_the_subscriber(monkeypatch: pytest.MonkeyPatch) -> None:
    known, secret = Store(monkeypatch), "whsec_" + "A" * 32
    assert (await call("POST", f"subscriptions/{ID}/_rotate", {"secret": secret})).json["secret"] == secret
    assert SecretBox("a key").decrypt(known.kept[0][-1]) == secret
    assert (await call("POST", f"subscriptions/{ID}/_rotate", {"secret": "short"})).status == 400


async def test_key_of_another_request_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    Store(monkeypatch)
    key = {"idempotency-key": "k"}
    await call("POST", "subscriptions", {"endpoint": URL}, **key)
    assert (await call("POST", "subscriptions", {"endpoint": URL + "/2"}, **key)).status == 422
    assert (await call("POST", f"subscriptions/{ID}/_rotate", **key)).status == 422


@pytest.mark.parametrize("key", ["", "with space", "x" * 256])
async def test_invalid_key_is_refused(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Store(monkeypatch)
    assert (await call("POST", "subscriptions", {}, **{"idempotency-key": key})).status == 400
