"""The parts of a service restart after any error, and end on request."""

import asyncio

import pytest
from samenspel.messaging.service import runtime


@pytest.mark.parametrize("stopped_by", [ValueError, TimeoutError, asyncio.CancelledError])
async def test_failed_task_is_restarted(stopped_by: type[BaseException], monkeypatch: pytest.MonkeyPatch) -> None:
    """A leaked cancellation (aiokafka's own fetch, from ``stop``) is an interruption, too."""
    monkeypatch.setattr(runtime, "RESTART_SECONDS", 0)
    begun = []

    async def run() -> None:
        begun.append(True)
        if len(begun) == 1:
            raise stopped_by

    await runtime._supervised("part", run)
    assert len(begun) == 2


async def test_cancelled_task_is_not_restarted() -> None:
    begun = asyncio.Event()

    async def run() -> None:
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(runtime._supervised("part", run))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
