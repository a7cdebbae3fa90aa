"""Waiting for a daemon to be ready, without waiting for one that is dead."""

import time
from collections.abc import Callable
from typing import Final

from deploy.local.errors import LocalSystemError
from deploy.local.process import Daemon

POLL_SECONDS: Final = 0.05


def wait_until(is_ready: Callable[[], bool], daemon: Daemon, name: str, *, timeout_seconds: float) -> None:
    """Return when `ready`; raise LocalSystemError with the end of its log when it dies or takes too long.

    `within` is in seconds.
    """
    deadline = time.monotonic() + timeout_seconds
    while not is_ready():
        if daemon.process() is None:
            raise LocalSystemError(f"{name} stopped while starting; {daemon.log} ends in\n{daemon.last_lines()}")
        if time.monotonic() > deadline:
            raise LocalSystemError(
                f"{name} was not ready within {timeout_seconds:.0f} s; {daemon.log} ends in\n{daemon.last_lines()}"
            )
        time.sleep(POLL_SECONDS)
