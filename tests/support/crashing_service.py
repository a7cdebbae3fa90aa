"""``python -m tests.support.crashing_service SERVICE``: a service with suicide at a named fail point.

``SAMENSPEL_TEST_DIE_AT=relay.after-send:3`` means: SIGKILL at the third pass of the point.
"""

import importlib
import os
import signal
import sys
from collections import Counter

from samenspel.runtime import failpoints

VARIABLE = "SAMENSPEL_TEST_DIE_AT"


def main(service: str, die_at: str) -> None:
    name, _, times = die_at.rpartition(":")
    seen: Counter[str] = Counter()

    def reached(point: str) -> None:
        seen[point] += 1
        if point == name and seen[point] == int(times):
            os.kill(os.getpid(), signal.SIGKILL)

    failpoints.reached = reached
    importlib.import_module(f"services.{service}.app").run()


if __name__ == "__main__":
    main(sys.argv[1], os.environ.get(VARIABLE, "never:1"))
