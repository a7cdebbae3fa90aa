"""JSON of other organisations has one parser: every other use of a parser reads text of our own, with a reason."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute
from samenspel.contracts.values import Model
from samenspel.messaging.ingress.http_api import event_router
from samenspel.messaging.ingress.submissions_api import submission_router
from samenspel.messaging.operator.lanes_api import lanes_router
from samenspel.messaging.operator.quarantine_api import quarantine_router

from services.funding.api import router as funding
from services.notifier.api.feed import router as feed
from services.notifier.api.subscriptions import SubscriptionService
from services.notifier.api.subscriptions import router as subscriptions
from services.registry.api import router as registry
from tests.architecture.checkout import name, product_files

SERVER_SIDE: Final = (
    *("shared/samenspel/contracts/", "shared/samenspel/messaging/", "shared/samenspel/runtime/", "services/"),
)
PARSERS: Final = {"loads", "model_validate_json", "validate_json", "raw_decode"}
OWN_TEXT: Final = {
    "shared/samenspel/contracts/strict_json.py": "the parser",
    "shared/samenspel/contracts/submissions.py": "data that the parser has accepted",
    "shared/samenspel/contracts/sequencing.py": "events of a canonical topic, from the owner",
    "shared/samenspel/messaging/projections/projector.py": "events of a canonical topic, from the owner",
    "shared/samenspel/messaging/recovery/replay.py": "events and receipts that this service has published",
    "shared/samenspel/messaging/decisions/state.py": "rows of this service",
    "shared/samenspel/messaging/inbox/answer_retention.py": "rows of this service",
    "shared/samenspel/messaging/inbox/answer_store.py": "rows of this service",
    "shared/samenspel/messaging/inbox/deferrals.py": "rows of this service, decoded when they arrived",
    "shared/samenspel/messaging/inbox/quarantine.py": "rows of this service",
    "shared/samenspel/runtime/issuer_keys.py": "keys of the configured issuer",
    "shared/samenspel/runtime/json_bodies.py": "bodies that the parser has accepted",
    "services/funding/api.py": "rows of this service",
    "services/notifier/settings.py": "settings of the operator",
    "services/notifier/api/subscriptions.py": "rows and answers of this service",
}
"""Server modules that parse JSON without `strict_json.parse`, with the origin of the text."""
ANY: Final[Any] = None
SNAKE_CASE: Final = re.compile(r"[a-z][a-z0-9_]*")


def parsing(path: Path) -> Iterator[str]:
    """Calls of a JSON parser: ``orjson.loads``, ``Model.model_validate_json``, ``request.json``."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        on_request = isinstance(node.func.value, ast.Name) and node.func.value.id == "request"
        if node.func.attr in PARSERS or (on_request and node.func.attr in ("json", "form")):
            yield ast.unparse(node.func)


def test_json_is_parsed_by_the_strict_parser_or_with_a_reason() -> None:
    files = {name(path): path for path in product_files() if name(path).startswith(SERVER_SIDE)}
    assert {file for file, path in files.items() if any(parsing(path))} == set(OWN_TEXT)


async def organisation_of() -> str:
    return ""


ROUTERS: Final[dict[str, APIRouter]] = {
    "events": event_router(ANY, organisation_of),
    "submissions": submission_router(ANY, organisation_of),
    "quarantine": quarantine_router(ANY, ANY, "", organisation_of, ANY),
    "lanes": lanes_router(ANY, "", organisation_of),
    "registry": registry(ANY),
    "funding": funding(ANY),
    "feed": feed(ANY, organisation_of),
    "subscriptions": subscriptions(SubscriptionService(ANY, ANY, ANY, ANY, ANY, local=True), organisation_of),
}


def models(of: type[Model] = Model) -> Iterator[type[Model]]:
    for each in of.__subclasses__():
        yield each
        yield from models(each)


def test_members_of_every_json_body_are_in_snake_case() -> None:
    """Only path and query parameters are in camelCase."""
    names = {field for model in models() for field in model.model_fields}
    assert len(names) > 50
    assert [each for each in sorted(names) if not SNAKE_CASE.fullmatch(each)] == []


@pytest.mark.parametrize("router", ROUTERS)
def test_no_route_has_a_body_that_fastapi_parses(router: str) -> None:
    """FastAPI accepts duplicate keys and NaN, and parses before the token is checked."""
    routes = [route for route in ROUTERS[router].routes if isinstance(route, APIRoute)]
    assert routes
    assert [route.path for route in routes if route.dependant.body_params] == []
