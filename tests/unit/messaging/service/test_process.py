"""Start of a service: HTTP answers first, the causes are named, and the start is repeated until it succeeds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest
from fastapi import APIRouter, FastAPI
from samenspel.client.access.profile import KafkaAccess
from samenspel.messaging.service import process
from samenspel.messaging.service.app import create_app
from samenspel.messaging.service.definition import ServiceDefinition
from structlog.testing import capture_logs

from tests.support.asgi import Reply, ask
from tests.support.settings import settings_of
from tests.support.waiting import eventually

ACCESS = KafkaAccess(bootstrap="127.0.0.1:1", security_protocol="SASL_PLAINTEXT")
STOP_SECONDS_MAX = 1.0
UNUSED = SimpleNamespace(use=dict)
"""A limit that no organisation uses."""


def definition(**changes: Any) -> ServiceDefinition:
    router = APIRouter()

    @router.get("/v1/things")
    async def things() -> list[str]:
        return ["one"]

    values: dict[str, Any] = {
        "name": "registry",
        "package": "services.registry",
        "description": "A service of the tests.",
        "owns": (),
        "decider": lambda pool: None,
        "routers": lambda pool: [router],
    }
    return ServiceDefinition(**{**values, **changes})


@asynccontextmanager
async def started(**changes: Any) -> AsyncIterator[FastAPI]:
    """The app between start and stop, as uvicorn has it; the stop is quick."""
    settings = settings_of(ACCESS, postgres_dsn="postgresql://registry@127.0.0.1:1/registry")
    app = create_app(definition(**changes), settings)
    async with app.router.lifespan_context(app):
        yield app
        began = monotonic()
    assert monotonic() - began < STOP_SECONDS_MAX


async def amiss(app: FastAPI) -> dict[str, str]:
    found: dict[str, str] = (await ask(app, "GET", "/readyz")).json["amiss"]
    return found


async def test_http_answers_while_everything_is_missing() -> None:
    async with started() as app:
        assert (await ask(app, "GET", "/livez")).status == 200
        assert (await ask(app, "GET", "/metrics")).status == 200
        names = {"database", "kafka", "issuer keys"}

        async def all_named() -> bool:
            found = await amiss(app)
            return set(found) == names and "not reached yet" not in found.values()

        await eventually(all_named)
        found = await amiss(app)
        assert "SAMENSPEL_POSTGRES_DSN" in found["database"]
        assert "SAMENSPEL_KAFKA_BOOTSTRAP" in found["kafka"]
        assert "SAMENSPEL_JWKS" in found["issuer keys"]


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/things"), ("POST", "/v1/events"), ("DELETE", "/v1/x/y")])
async def test_resources_say_that_the_service_starts_and_why(method: str, path: str) -> None:
    async with started() as app:
        reply = await ask(app, method, path)
        assert (reply.status, reply.headers["retry-after"]) == (503, "5")
        assert reply.headers["content-type"] == "application/problem+json"
        assert "the service is starting; database: " in reply.json["detail"]


async def test_a_service_that_waits_does_not_fill_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "START_PAUSE_SECONDS", 0.01)
    attempts: list[bool] = []

    async def refused(*_: object) -> Any:
        attempts.append(True)
        raise ConnectionRefusedError(111, "refused")

    monkeypatch.setattr(process, "_database", refused)
    with capture_logs() as told:
        async with started():
            await eventually(lambda: len(attempts) > 20)
    lines = [each for each in told if each.get("dependency") == "database"]
    assert len(lines) == 1


class Runtime:
    """Stands in for the messaging parts of a service."""

    after_apply: list[Any]

    def __init__(self, *_: object) -> None:
        self.submitter = SimpleNamespace(turns=UNUSED)
        self.processor = SimpleNamespace(storage=UNUSED)
        self.lane_operations = None
        self.relay = SimpleNamespace(wake=lambda: None)
        self.after_apply = []
        self.stopped = 0

    async def start(self) -> None: ...

    async def knows_organisations(self) -> bool:
        return True

    async def stop(self) -> None:
        self.stopped += 1


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Runtime:
    made = Runtime()
    monkeypatch.setattr(process, "START_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(process, "ServiceRuntime", lambda *_: made)
    monkeypatch.setattr(process.readiness, "_of_messaging", lambda runtime, name: {})
    monkeypatch.setattr(process, "_update_gauges", _nothing)
    return made


async def _nothing(*_: object) -> None: ...


def databases(monkeypatch: pytest.MonkeyPatch, *errors: Exception) -> None:
    """The database is there after these errors, one per attempt."""
    left = list(errors)

    async def database(*_: object) -> Any:
        if left:
            raise left.pop(0)
        return SimpleNamespace(terminate=lambda: None, share=UNUSED)

    monkeypatch.setattr(process, "_database", database)


async def served(app: FastAPI) -> Reply:
    """The reply of a resource once the service has started: it asks for a token."""
    reply = await ask(app, "GET", "/v1/things")
    assert reply.status == 401
    return reply


async def test_the_start_is_repeated_until_it_succeeds(monkeypatch: pytest.MonkeyPatch, runtime: Runtime) -> None:
    databases(monkeypatch, OSError(), asyncpg.InvalidPasswordError(), KeyError("a defect"))
    with capture_logs() as told:
        async with started() as app:
            await eventually(lambda: served(app))
            assert "database" not in await amiss(app)
            openapi = (await ask(app, "GET", "/v1/openapi.json")).json
            assert {"/v1/things", "/v1/events"} <= set(openapi["paths"])
    assert runtime.stopped == 1
    assert [each["event"] for each in told if each.get("exc_info")] == ["start failed; repeated"]


async def test_a_start_that_fails_half_way_stops_what_it_began(
    monkeypatch: pytest.MonkeyPatch, runtime: Runtime
) -> None:
    databases(monkeypatch)
    begun: list[str] = []

    @asynccontextmanager
    async def background(_: object) -> AsyncIterator[list[APIRouter]]:
        begun.append("background")
        if len(begun) == 1:
            raise asyncpg.CannotConnectNowError("starting")
        yield []
        begun.append("ended")

    async with started(background=background) as app:
        await eventually(lambda: served(app))
        assert runtime.stopped == 1
    assert runtime.stopped == 2
    assert begun == ["background", "background", "ended"]


async def test_a_stop_amid_the_start_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that accepts connections and says nothing."""

    async def hang(*_: object) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr(process, "_database", hang)
    async with started() as app:
        assert (await ask(app, "GET", "/livez")).status == 200
