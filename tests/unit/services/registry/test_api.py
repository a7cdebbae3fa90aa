"""The registry's API: filters passed on, pages of events' data, and unknown ids as problems."""

from typing import Any

import pytest

from services.registry import store
from services.registry.api import router
from services.registry.store import PAGE_MAX
from tests.support.asgi import Reply, ask
from tests.support.http_router import app_with

ID = "5e6a2f6b-9c1a-4a53-9d0e-0c8f8f2a1b44"
LEAD = "00000099000000000344"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The requests to the store, with an initiative and two organisations."""
    notes: list[Any] = []

    async def initiatives(pool: object, *filters: Any) -> list[bytes]:
        notes.append(filters)
        return [b'{"a":1}', b'{"a":2}']

    async def organisations(pool: object, *filters: Any) -> list[bytes]:
        notes.append(filters)
        return [b'{"oin":"1"}']

    async def aggregate(pool: object, name: str, subject: str) -> bytes | None:
        return b'{"a":1}' if (name, subject) == ("initiative.v1", ID) else None

    for stub in (initiatives, organisations, aggregate):
        monkeypatch.setattr(store, stub.__name__, stub)
    return notes


async def get(path: str) -> Reply:
    return await ask(app_with(router(None)), "GET", path)  # type: ignore[arg-type]  # the store needs no pool


async def test_initiatives_are_filtered_and_listed_as_items(asked: list[Any]) -> None:
    reply = await get(f"/v1/initiatives?theme=energy-transition&phase=pilot&lead={LEAD}&after=x&limit=7")
    assert reply.json == {"items": [{"a": 1}, {"a": 2}]}
    assert asked == [("x", "energy-transition", "pilot", LEAD, 7)]


async def test_request_without_filters_asks_for_the_first_full_page(asked: list[Any]) -> None:
    await get("/v1/initiatives")
    await get("/v1/organisations")
    assert asked == [("", None, None, None, PAGE_MAX), ("", PAGE_MAX)]


@pytest.mark.parametrize("query", ["theme=war", "phase=none", "lead=1", "limit=0", f"limit={PAGE_MAX + 1}"])
async def test_filter_outside_its_values_is_refused(asked: list[Any], query: str) -> None:
    assert (await get(f"/v1/initiatives?{query}")).status == 400
    assert asked == []


async def test_known_initiative_is_shown_and_an_unknown_one_not_found(asked: list[Any]) -> None:
    assert (await get(f"/v1/initiatives/{ID}")).json == {"a": 1}
    missing = await get(f"/v1/initiatives/{ID.replace('5', '6')}")
    assert (missing.status, (await get("/v1/initiatives/x")).status) == (404, 400)
