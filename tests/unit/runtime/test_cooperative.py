"""Long loops: the items in order, with pauses for other tasks."""

import asyncio

import pytest
from samenspel.runtime import cooperative
from samenspel.runtime.cooperative import ITEMS_PER_YIELD, SECONDS_PER_YIELD, yielding


async def test_long_loop_keeps_its_order_and_lets_other_tasks_run() -> None:
    turns: list[int] = []
    seen: list[int] = []

    async def other() -> None:
        while True:
            turns.append(len(seen))
            await asyncio.sleep(0)

    running = asyncio.create_task(other())
    async for item in yielding(range(3 * ITEMS_PER_YIELD)):
        seen.append(item)
    running.cancel()
    assert seen == list(range(3 * ITEMS_PER_YIELD))
    assert turns == [0, ITEMS_PER_YIELD, 2 * ITEMS_PER_YIELD]


async def test_loop_with_expensive_items_lets_other_tasks_run_after_each(monkeypatch: pytest.MonkeyPatch) -> None:
    now, turns = [0.0], [0]
    monkeypatch.setattr(cooperative.time, "monotonic", lambda: now[0])

    async def other() -> None:
        while True:
            turns[0] += 1
            await asyncio.sleep(0)

    running = asyncio.create_task(other())
    async for _ in yielding(range(10)):
        now[0] += 2 * SECONDS_PER_YIELD
    running.cancel()
    assert turns == [10]
