"""Kill of a service during submissions: SIGKILL, without a graceful shutdown."""

import asyncio
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from samenspel.contracts.topics import Service

from deploy.demo.errors import DemoFailed
from deploy.local.system import LocalSystem

RESTART_SECONDS_MAX: Final = 45.0
POLL_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class KilledProcess:
    """Service, process id, and time of the kill (`time.monotonic`)."""

    service: Service
    pid: int
    at: float


async def kill_during(system: LocalSystem, service: Service, tasks: Collection[asyncio.Task[Any]]) -> KilledProcess:
    """SIGKILL the service as soon as the first of ``tasks`` is done."""
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    daemon = system.services.daemon(service)
    process = daemon.process()
    if process is None:
        raise DemoFailed(f"service {service} was not running before the kill")
    await asyncio.to_thread(daemon.kill)
    return KilledProcess(service, process.pid, time.monotonic())


async def wait_until_restarted(system: LocalSystem, killed: KilledProcess) -> float:
    """Wait until the supervisor has restarted the service and `/readyz` is 200. Returns seconds since the kill."""
    try:
        async with asyncio.timeout(RESTART_SECONDS_MAX):
            while not await _is_restarted(system, killed):  # noqa: ASYNC110  # another process
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise DemoFailed(f"service {killed.service} was not ready within {RESTART_SECONDS_MAX:.0f} s") from None
    return time.monotonic() - killed.at


async def _is_restarted(system: LocalSystem, killed: KilledProcess) -> bool:
    process = system.services.daemon(killed.service).process()
    if process is None or process.pid == killed.pid:
        return False
    return await asyncio.to_thread(system.services.is_ready, killed.service)
