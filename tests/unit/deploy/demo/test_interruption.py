"""The kill of a service in the demo: amid the work, and back as another process."""

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest

from deploy.demo import interruption
from deploy.demo.errors import DemoFailed
from deploy.demo.interruption import KilledProcess, kill_during, wait_until_restarted


class System:
    """A service with these process ids in turn; None is no process."""

    def __init__(self, *pids: int | None, ready: bool = True) -> None:
        self.pids = list(pids)
        self.killed: list[int | None] = []
        daemon = SimpleNamespace(process=self.process, kill=lambda: self.killed.append(self.pids[0]))
        self.services = SimpleNamespace(daemon=lambda service: daemon, is_ready=lambda service: ready)

    def process(self) -> Any:
        pid = self.pids.pop(0) if len(self.pids) > 1 else self.pids[0]
        return None if pid is None else SimpleNamespace(pid=pid)


async def test_service_is_killed_as_soon_as_the_first_task_is_done() -> None:
    system: Any = System(7)
    done, never = asyncio.create_task(asyncio.sleep(0)), asyncio.create_task(asyncio.sleep(60))
    killed = await kill_during(system, "funding", [done, never])
    assert (killed.pid, system.killed) == (7, [7])
    assert not never.done()
    never.cancel()


async def test_service_that_does_not_run_cannot_be_killed() -> None:
    system: Any = System(None)
    with pytest.raises(DemoFailed, match="was not running"):
        await kill_during(system, "funding", [asyncio.create_task(asyncio.sleep(0))])


async def test_service_is_back_as_another_process_that_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interruption, "POLL_SECONDS", 0)
    system: Any = System(7, None, 8)
    assert await wait_until_restarted(system, KilledProcess("funding", 7, time.monotonic())) >= 0


@pytest.mark.parametrize("never_back", [System(7), System(None), System(8, ready=False)])
async def test_service_that_does_not_come_back_ends_the_demo(
    never_back: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interruption, "RESTART_SECONDS_MAX", 0)
    with pytest.raises(DemoFailed, match="was not ready"):
        await wait_until_restarted(never_back, KilledProcess("funding", 7, time.monotonic()))
