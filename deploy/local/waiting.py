"""Waiting until a daemon is ready; a dead daemon ends the wait."""

import time
from collections.abc import Callable
from typing import Final

from deploy.local.errors import LocalSystemError
from deploy.local.process import Daemon

POLL_SECONDS: Final = 0.05


def wait_until(is_ready: Callable[[], bool], daemon: Daemon, name: str, *, timeout_seconds: float) -> None:
    """Return when ``is_ready`` returns true.

    Raises LocalSystemError with the end of the log if the daemon ends, or after ``timeout_seconds``.
    """
    deadline = time.monotonic() + timeout_seconds
    while not is_ready():
        if daemon.process() is None:
            raise LocalSystemError(f"{name} ended during the start; end of {daemon.log}:\n{daemon.last_lines()}")
        if time.monotonic() > deadline:
            raise LocalSystemError(
                f"{name} was not ready within {timeout_seconds:.0f} s; end of {daemon.log}:\n{daemon.last_lines()}"
            )
        time.sleep(POLL_SECONDS)
