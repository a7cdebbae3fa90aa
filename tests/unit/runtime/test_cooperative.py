"""Long loops: the items in order, with pauses for other tasks."""

import asyncio

from samenspel.runtime.cooperative import ITEMS_PER_YIELD, yielding


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
