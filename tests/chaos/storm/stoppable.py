"""``python -m tests.chaos.storm.stoppable SERVICE``: a service that stops itself while it has a lane locked.

SIGUSR1 arms it: at the next decision, with locks held and nothing committed, it sends itself SIGSTOP.
"""

import importlib
import os
import signal
import sys

from samenspel.messaging import points

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
    points.reached = reached
    importlib.import_module(f"services.{service}.app").run()


if __name__ == "__main__":
    main(sys.argv[1])
