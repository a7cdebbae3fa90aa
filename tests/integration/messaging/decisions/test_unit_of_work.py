"""A long batch is written page by page while it is decided, and is one batch all the same."""

from typing import Any

import pytest
from samenspel.contracts.topics import INITIATIVES
from samenspel.messaging.decisions import processor
from samenspel.messaging.errors import Fenced
from samenspel.messaging.inbox import answer_store, answers
from samenspel.messaging.inbox.answers import Decision, Incoming, RenderedAnswer, Repeat

from tests.support.service_schema import Room, changed, outcomes, registered

PAGE = 4
LANE = "select sequence, digest from lane where topic = $1 and sequence > 0"


@pytest.fixture(autouse=True)
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "SUBMISSIONS_PER_WRITE", PAGE)
    monkeypatch.setattr(processor, "ITEMS_PER_YIELD", 1)


def a_batch() -> list[Any]:
    """A history of one initiative that crosses pages, each step repeated on a later page, and one stale change."""
    first = registered()
    steps = [first, *(changed(first.subject, version, f"versie {version}") for version in range(1, 2 * PAGE))]
    return [*steps, *steps, changed(first.subject, 1, "te laat")]


async def test_it_comes_to_what_one_page_comes_to(registry: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = a_batch()
    given = await registry.settle(*batch)
    assert outcomes(given) == ["accepted"] * 2 * PAGE + ["repeated"] * 2 * PAGE + ["rejected"]
    contents = await _told(registry)
    lane = await registry.rows(LANE, INITIATIVES)
    await registry.clear()
    await registry.open_lanes("00000099000000000001")
    monkeypatch.setattr(processor, "SUBMISSIONS_PER_WRITE", 1_000)
    assert outcomes(await registry.settle(*batch)) == outcomes(given)
    assert contents == await _told(registry)
    assert lane == await registry.rows(LANE, INITIATIVES)


async def _told(room: Room) -> list[tuple[Any, ...]]:
    """What the lanes say, but for the ids, which are made anew each time."""
    rows = await room.rows(
        "select topic, lane, sequence, key, value from journal where topic = $1 order by 2, 3", INITIATIVES
    )
    aggregates = await room.rows("select subject, value, hash from aggregate order by subject")
    return [tuple(row) for row in (*rows, *aggregates)]


async def test_a_page_that_cannot_be_written_ends_all_of_it(registry: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the next one is being decided; the connection serves the next transaction."""
    before, remember, pages = await registry.contents(), answer_store.insert_new, list[int]()

    async def remember_once(connection: Any, first: Any) -> bool:
        pages.append(len(first))
        return len(pages) == 1 and await remember(connection, first)

    monkeypatch.setattr(answer_store, "insert_new", remember_once)
    batch = a_batch()
    with pytest.raises(Fenced):
        await registry.settle(*batch)
    assert pages == [PAGE, PAGE]
    assert await registry.contents() == before
    monkeypatch.setattr(answer_store, "insert_new", remember)
    assert "accepted" in outcomes(await registry.settle(*batch))


async def test_deciding_that_breaks_waits_for_what_is_being_written(
    registry: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the connection would be busy when the transaction is rolled back."""
    before = await registry.contents()
    render = answers.render

    def breaks(incoming: Incoming, decision: Decision) -> RenderedAnswer:
        if isinstance(decision, Repeat):
            raise ZeroDivisionError("our own fault")
        return render(incoming, decision)

    monkeypatch.setattr(answers, "render", breaks)
    with pytest.raises(ZeroDivisionError):
        await registry.settle(*a_batch())
    assert await registry.contents() == before
