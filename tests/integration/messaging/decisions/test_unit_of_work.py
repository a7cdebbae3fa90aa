"""A long batch is written in parts while being decided, and remains a single batch."""

from collections.abc import Iterator
from typing import Any

import pytest
from samenspel.contracts.topics import INITIATIVES
from samenspel.messaging.decisions import processor
from samenspel.messaging.errors import Fenced
from samenspel.messaging.inbox import answer_store, answers
from samenspel.messaging.inbox.answers import Decision, Incoming, RenderedAnswer, Repeat
from samenspel.runtime.write_together import Write

from tests.support.service_schema import Room, changed, outcomes, registered

PAGE = 4
LANE = "select sequence, digest from lane where topic = $1 and sequence > 0"


@pytest.fixture(autouse=True)
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "SUBMISSIONS_PER_WRITE", PAGE)
    monkeypatch.setattr(processor, "ITEMS_PER_YIELD", 1)


def a_batch() -> list[Any]:
    """A history of an initiative across parts, each step repeated in a later part, and a stale change."""
    first = registered()
    steps = [first, *(changed(first.subject, version, f"versie {version}") for version in range(1, 2 * PAGE))]
    return [*steps, *steps, changed(first.subject, 1, "te laat")]


async def test_batch_written_in_parts_equals_a_batch_written_at_once(
    registry: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    """The content of the lanes, without the ids, new in each run."""
    rows = await room.rows(
        "select topic, lane, sequence, key, value from journal where topic = $1 order by 2, 3", INITIATIVES
    )
    aggregates = await room.rows("select subject, value, hash from aggregate order by subject")
    return [tuple(row) for row in (*rows, *aggregates)]


async def test_part_that_cannot_be_written_rolls_back_the_whole_batch(
    registry: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the next part is being decided; the connection serves the next transaction."""
    before, remember, pages = await registry.contents(), answer_store.answer_writes, list[int]()

    def remember_once(first: Any) -> Iterator[Write]:
        pages.append(len(first))
        [write] = remember(first)
        yield write if len(pages) == 1 else write._replace(expected=0)

    monkeypatch.setattr(answer_store, "answer_writes", remember_once)
    batch = a_batch()
    with pytest.raises(Fenced):
        await registry.settle(*batch)
    assert pages == [PAGE, PAGE]
    assert await registry.contents() == before
    monkeypatch.setattr(answer_store, "answer_writes", remember)
    assert "accepted" in outcomes(await registry.settle(*batch))


async def test_failed_decision_waits_for_the_running_write_before_rollback(
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
