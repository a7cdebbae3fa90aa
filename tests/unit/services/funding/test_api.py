"""Funding's API: programmes with budget, applications of a known programme, unknown ids as problems."""

from typing import Any

import pytest

from services.funding import store
from services.funding.api import router
from tests.support.asgi import Reply, ask
from tests.support.http_router import app_with

ID, OTHER = "5e6a2f6b-9c1a-4a53-9d0e-0c8f8f2a1b44", "6e6a2f6b-9c1a-4a53-9d0e-0c8f8f2a1b44"
PROGRAMME = {"value": b'{"programme_id":"x","ceiling_cents":1000}', "granted_cents": 400, "left_cents": 600}


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store with a programme and an application, with equal ids."""

    async def programmes(pool: object, after: str, limit: int) -> list[Any]:
        return [PROGRAMME] if after < ID else []

    async def programme(pool: object, identity: str) -> Any:
        return PROGRAMME if identity == ID else None

    async def applications(pool: object, programme_id: str, after: str, limit: int) -> list[bytes]:
        return [b'{"application_id":"y"}']

    async def application(pool: object, identity: str) -> bytes | None:
        return b'{"application_id":"y"}' if identity == ID else None

    for stub in (programmes, programme, applications, application):
        monkeypatch.setattr(store, stub.__name__, stub)


async def get(path: str) -> Reply:
    return await ask(app_with(router(None)), "GET", path)  # type: ignore[arg-type]  # the store needs no pool


@pytest.mark.parametrize("path", ["/v1/programmes", f"/v1/programmes/{ID}"])
async def test_programme_is_shown_with_its_budget(path: str) -> None:
    shown = (await get(path)).json
    [one] = shown.get("items", [shown])
    assert one == {"programme_id": "x", "ceiling_cents": 1_000, "granted_cents": 400, "left_cents": 600}


@pytest.mark.parametrize("path", [f"/v1/programmes/{ID}/applications", f"/v1/applications/{ID}"])
async def test_application_is_shown_as_published(path: str) -> None:
    shown = (await get(path)).json
    assert shown.get("items", [shown]) == [{"application_id": "y"}]


@pytest.mark.parametrize("path", ["programmes/{}", "programmes/{}/applications", "applications/{}"])
async def test_unknown_id_is_not_found_and_a_malformed_one_refused(path: str) -> None:
    assert (await get(f"/v1/{path.format(OTHER)}")).status == 404
    assert (await get(f"/v1/{path.format('x')}")).status == 400


@pytest.mark.parametrize("limit", [0, 101])
async def test_page_size_outside_its_bounds_is_refused(limit: int) -> None:
    assert (await get(f"/v1/programmes?limit={limit}")).status == 400
