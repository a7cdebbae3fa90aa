"""Waiting requests of an organisation do not delay another organisation's requests."""

import asyncio

import pytest
from samenspel.runtime.concurrency_limit import ConcurrencyLimit, ConcurrencyLimitReached

AT_ONCE = 4


async def test_concurrency_limit_applies_per_organisation() -> None:
    turns, busy, most = ConcurrencyLimit(AT_ONCE), 0, 0
    go_on = asyncio.Event()

    async def work() -> None:
        nonlocal busy, most
        async with turns.slot("one", timeout_seconds=30):
            busy, most = busy + 1, max(most, busy + 1)
            await go_on.wait()
            busy -= 1

    flood = [asyncio.create_task(work()) for _ in range(100)]
    async with turns.slot("another", timeout_seconds=30):
        pass
    with pytest.raises(ConcurrencyLimitReached):
        async with turns.slot("one", timeout_seconds=0.01):
            pass
    go_on.set()
    await asyncio.gather(*flood)
    assert (most, busy) == (AT_ONCE, 0)
    assert not turns._slots, "who does not wait is forgotten"
