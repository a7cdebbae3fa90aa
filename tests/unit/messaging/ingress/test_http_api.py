"""Over HTTP the token determines the organisation; the event's own claim is only compared."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from fastapi import FastAPI
from samenspel.client.access.local_issuer import AUDIENCE, ISSUER, Issuer
from samenspel.messaging.inbox import answers
from samenspel.messaging.inbox.answers import Incoming, RenderedAnswer, UnreadableSubmission
from samenspel.messaging.ingress import http_api
from samenspel.runtime.concurrency_limit import ConcurrencyLimit
from samenspel.runtime.tokens import TokenRefused, TokenVerifier

from services.registry.handlers import RegistryDecider
from tests.support.events import Event, initiative
from tests.support.forged_tokens import Forger, forgeries
from tests.support.service_schema import NOON, OPERATOR, statement

CITY = "00000099000000000344"


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    return Issuer(tmp_path)


def verifier(issuer: Issuer) -> TokenVerifier:
    return TokenVerifier(str(issuer.jwks), ISSUER, AUDIENCE)


async def post(issuer: Issuer, token: str, event: Event) -> None:
    """A request in the form of an ASGI server."""
    processor = SimpleNamespace(decider=RegistryDecider(OPERATOR), clock=lambda: NOON)
    messaging: Any = SimpleNamespace(processor=processor, limit=ConcurrencyLimit(1))
    app = FastAPI()
    app.include_router(http_api.event_router(messaging, verifier(issuer)))
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

    async def submit(messaging: object, organisation: str, incoming: Sequence[Incoming]) -> list[RenderedAnswer]:
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
