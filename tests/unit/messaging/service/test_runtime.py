"""The parts of a service start again, whatever stopped them, and end when they are told to."""

import asyncio

import pytest
from samenspel.messaging.service import runtime


@pytest.mark.parametrize("stopped_by", [ValueError, TimeoutError, asyncio.CancelledError])
async def test_a_part_that_was_interrupted_starts_again(
    stopped_by: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cancellation that nobody wished (aiokafka's own fetch, escaping from ``stop``) is an interruption too."""
    monkeypatch.setattr(runtime, "RESTART_SECONDS", 0)
    begun = []

    async def run() -> None:
        begun.append(True)
        if len(begun) == 1:
            raise stopped_by

    await runtime._supervised("part", run)
    assert len(begun) == 2


async def test_a_part_that_is_cancelled_ends() -> None:
    begun = asyncio.Event()

    async def run() -> None:
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(runtime._supervised("part", run))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
