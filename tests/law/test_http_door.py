"""Over HTTP an organisation is who its token says it is; what an event says of itself is only compared with that."""

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
from tests.kit.events import Event, initiative
from tests.law.rooms import NOON, OPERATOR, statement
from tests.trust.forgery import Forger, forgeries

CITY = "00000099000000000344"


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    return Issuer(tmp_path)


def verifier(issuer: Issuer) -> TokenVerifier:
    return TokenVerifier(str(issuer.jwks), ISSUER, AUDIENCE)


async def post(issuer: Issuer, token: str, event: Event) -> None:
    """One request, made as an ASGI server makes it."""
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


async def test_the_organisation_is_the_tokens(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
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


async def test_a_forged_token_speaks_for_nobody(issuer: Issuer) -> None:
    forger = Forger.at(issuer.jwks.parent, CITY, "http://127.0.0.1:9")
    assert await verifier(issuer).organisation_of(f"Bearer {forger.signed()}") == CITY
    for name, forge in forgeries():
        with pytest.raises(TokenRefused):
            raise AssertionError(name, await verifier(issuer).organisation_of(f"Bearer {forge(forger)}"))
