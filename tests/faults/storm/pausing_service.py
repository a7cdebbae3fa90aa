"""``python -m tests.faults.storm.pausing_service SERVICE``: a service with a self-inflicted stop while a lane is
locked.

SIGUSR1 arms the stop: at the next decision, with locks held and nothing committed, the process sends itself SIGSTOP.
SIGUSR2 logs the state of each task, for a failed storm.
"""

import asyncio
import importlib
import os
import signal
import sys
from typing import Any

from samenspel.runtime import failpoints

LOCKED = {"ingress.commit", "http.commit"}
"""Points at which lanes are locked and everything is written, but nothing is committed."""


def main(service: str) -> None:
    armed = False

    def arm(*_: object) -> None:
        nonlocal armed
        armed = True

    def reached(point: str) -> None:
        nonlocal armed
        if armed and point in LOCKED:
            armed = False
            os.kill(os.getpid(), signal.SIGSTOP)

    signal.signal(signal.SIGUSR1, arm)
    signal.signal(signal.SIGUSR2, lambda *_: _say_what_waits())
    failpoints.reached = reached
    importlib.import_module(f"services.{service}.app").run()


def _say_what_waits() -> None:
    """Runs between two steps of the event loop, in the loop's thread."""
    for task in asyncio.all_tasks():
        awaited: Any = task.get_coro()
        places = []
        while (frame := getattr(awaited, "cr_frame", None) or getattr(awaited, "ag_frame", None)) is not None:
            places.append(f"{frame.f_code.co_qualname}:{frame.f_lineno}")
            awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "ag_await", None)
        print("WAITS", task.get_name(), " > ".join(places), awaited, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
