"""Over HTTP the token determines the organisation; the event's own claim is only compared."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from fastapi import FastAPI, HTTPException, Response
from samenspel.client.access.local_issuer import AUDIENCE, ISSUER, Issuer
from samenspel.contracts.cloudevents import Envelope, from_item
from samenspel.contracts.problems import not_permitted
from samenspel.contracts.topics import ORGANISATIONS
from samenspel.messaging.errors import LaneDiverged
from samenspel.messaging.inbox import answers
from samenspel.messaging.inbox.answers import Incoming, RenderedAnswer, UnreadableSubmission
from samenspel.messaging.ingress import http_api
from samenspel.runtime.concurrency_limit import ConcurrencyLimit
from samenspel.runtime.http import organisation_dependency
from samenspel.runtime.limits import HTTP_REQUESTS, HTTP_SUBMISSIONS
from samenspel.runtime.tokens import TokenRefused, TokenVerifier

from services.registry.handlers import RegistryDecider
from tests.support.asgi import Reply, ask
from tests.support.events import Event, initiative
from tests.support.forged_tokens import Forger, forgeries
from tests.support.http_router import always, app_with
from tests.support.service_schema import NOON, OPERATOR, statement
from tests.support.waiting import eventually

CITY = "00000099000000000344"
REQUESTS = ConcurrencyLimit(HTTP_REQUESTS, 16, 30)


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    return Issuer(tmp_path)


def verifier(issuer: Issuer) -> TokenVerifier:
    return TokenVerifier(str(issuer.jwks), ISSUER, AUDIENCE)


async def _is_free(organisation: str) -> None:
    """The storage budget is not used."""


async def post(issuer: Issuer, token: str, event: Event) -> None:
    """A request in the form of an ASGI server."""
    processor = SimpleNamespace(decider=RegistryDecider(OPERATOR), clock=lambda: NOON)
    turns = ConcurrencyLimit(HTTP_SUBMISSIONS, 1, 30)
    messaging: Any = SimpleNamespace(processor=processor, require_storage=_is_free, turns=turns)
    app = FastAPI()
    app.include_router(http_api.event_router(messaging, organisation_dependency(verifier(issuer), REQUESTS)))
    headers = {"content-type": "application/cloudevents+json", "authorization": f"Bearer {token}"}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": "/v1/events",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": orjson.dumps(event)}

    async def send(message: Any) -> None: ...

    await app(scope, receive, send)


async def test_organisation_of_a_request_is_that_of_its_token(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    came: list[tuple[str, Incoming]] = []

    async def submit(
        messaging: object, organisation: str, incoming: Sequence[Incoming], size: int
    ) -> list[RenderedAnswer]:
        came.extend((organisation, each) for each in incoming)
        return [answers.render(each, answers.Accepted([])) for each in incoming]

    monkeypatch.setattr(http_api, "submit", submit)
    await post(issuer, issuer.mint(CITY), statement("initiative-registered", initiative(), by=OPERATOR))
    [(organisation, incoming)] = came
    assert (organisation, incoming.organisation) == (CITY, CITY)
    assert isinstance(incoming, UnreadableSubmission)
    assert [problem.code for problem in incoming.problems] == ["source-mismatch"]


async def test_forged_token_is_refused_by_the_verifier(issuer: Issuer) -> None:
    forger = Forger.at(issuer.jwks.parent, CITY, "http://127.0.0.1:9")
    assert await verifier(issuer).organisation_of(f"Bearer {forger.signed()}") == CITY
    for name, forge in forgeries():
        with pytest.raises(TokenRefused):
            raise AssertionError(name, await verifier(issuer).organisation_of(f"Bearer {forge(forger)}"))


async def test_lane_that_is_diverged_is_named_with_503() -> None:
    class Diverged(Deciding):
        async def submit(self, organisation: str, incoming: Sequence[Incoming], size: int) -> list[RenderedAnswer]:
            raise LaneDiverged({(ORGANISATIONS, 3)}, [])

    with pytest.raises(HTTPException) as raised:
        await http_api.submit(Diverged(4), CITY, [UnreadableSubmission(CITY, "", "", [], "http")], 0)  # type: ignore[arg-type]
    refused = raised.value
    assert (refused.status_code, refused.headers) == (503, {"Retry-After": "30"})
    assert f"{ORGANISATIONS}/3" in refused.detail


class Deciding:
    """Holds every submission until ``may_end``, and counts those in progress by organisation."""

    def __init__(self, turns: int) -> None:
        self.turns = ConcurrencyLimit(HTTP_SUBMISSIONS, turns, 30)
        self.processor = SimpleNamespace(decider=RegistryDecider(OPERATOR), clock=lambda: NOON)
        self.busy: Counter[str] = Counter()
        self.may_end = asyncio.Event()

    async def require_storage(self, organisation: str) -> None:
        """The storage budget is not used."""

    async def submit(self, organisation: str, incoming: Sequence[Incoming], size: int) -> list[RenderedAnswer]:
        self.busy[organisation] += 1
        await self.may_end.wait()
        return [answers.render(each, answers.Accepted([])) for each in incoming]


async def test_submissions_of_one_organisation_are_decided_in_turns_and_another_has_its_own() -> None:
    submitter = Deciding(4)
    envelope = from_item(statement("initiative-registered", initiative(), by=CITY))

    def submit(organisation: str) -> "asyncio.Task[Response]":
        return asyncio.create_task(http_api.submit_over_http(submitter, organisation, envelope))  # type: ignore[arg-type]

    flood = [submit(CITY) for _ in range(20)]
    await eventually(lambda: submitter.busy[CITY])
    other = submit(OPERATOR)
    await eventually(lambda: submitter.busy[OPERATOR] == 1)
    assert submitter.busy[CITY] == 4
    submitter.may_end.set()
    assert [each.status_code for each in await asyncio.gather(*flood, other)] == [200] * 21


async def test_events_are_decoded_in_the_turn_of_their_organisation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests that wait hold their bytes, and no objects."""
    submitter, decoded, decode = Deciding(4), Counter[str](), http_api.decode
    body = orjson.dumps(statement("initiative-registered", initiative(), by=CITY))

    def counted(submitter: Any, envelope: Envelope, organisation: str) -> Incoming:
        decoded[organisation] += 1
        return decode(submitter, envelope, organisation)

    def post_event(organisation: str) -> "asyncio.Task[Reply]":
        app = app_with(http_api.event_router(submitter, always(organisation)))  # type: ignore[arg-type]
        headers = {"content-type": "application/cloudevents+json"}
        return asyncio.create_task(ask(app, "POST", "/v1/events", headers=headers, body=body))

    monkeypatch.setattr(http_api, "decode", counted)
    flood = [post_event(CITY) for _ in range(20)]
    await eventually(lambda: submitter.busy[CITY] == 4)
    other = post_event(OPERATOR)
    await eventually(lambda: submitter.busy[OPERATOR] == 1)
    assert decoded[CITY] == submitter.busy[CITY] == 4
    submitter.may_end.set()
    assert [each.status for each in await asyncio.gather(*flood)] == [200] * 20
    await other


def test_problems_of_a_batch_are_bounded_in_total(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each event keeps one problem at least, and tells the number of the others."""
    monkeypatch.setattr(http_api, "BATCH_PROBLEMS_MAX", 5)
    given: list[Incoming] = [UnreadableSubmission(CITY, "", "", [not_permitted("x")] * 3, "http", 4)] * 4
    bounded = http_api._with_few_problems(given)
    assert [len(each.problems) for each in bounded if isinstance(each, UnreadableSubmission)] == [3, 2, 1, 1]
    assert [getattr(each, "problems_left_out", 0) for each in bounded] == [4, 5, 6, 6]
