"""``python -m tests.support.shifted_clock SERVICE``: a service with a clock set by the test, while running.

The file named by ``SAMENSPEL_TEST_CLOCK`` holds the seconds to add to the clock; a negative number sets the clock
back. Only the wall clock moves: durations and timeouts use the monotonic clock.
"""

import importlib
import os
import secrets
import sys
import time
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Self
from uuid import UUID

VARIABLE = "SAMENSPEL_TEST_CLOCK"
_true_time = time.time


def ahead() -> float:
    """Seconds by which the clock is ahead now."""
    return float(Path(os.environ[VARIABLE]).read_text())


class Datetime(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return super().now(tz) + timedelta(seconds=ahead())


def uuid7() -> UUID:
    """As RFC 9562, section 5.7: 48 bits of milliseconds, then chance."""
    milliseconds = int(time.time() * 1000)
    return UUID(int=milliseconds << 80 | 7 << 76 | secrets.randbits(12) << 64 | 2 << 62 | secrets.randbits(62))


def main(service: str) -> None:
    time.time = lambda: _true_time() + ahead()
    runtime_module = importlib.import_module("samenspel.messaging.service.runtime")
    runtime_module.datetime, runtime_module.uuid7 = Datetime, uuid7  # type: ignore[attr-defined]  # its own imports
    importlib.import_module(f"services.{service}.app").run()


if __name__ == "__main__":
    main(sys.argv[1])
