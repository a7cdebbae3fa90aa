"""``make storm``: the whole storm on a separate system; prints a line of figures. Exit code 1 for a broken invariant.

``SEED`` gives the order of the faults, ``EVENTS`` the number of submissions, ``LIMIT_S`` the seconds after which no
fault strikes. With ``HOSTILE=1`` another organisation floods every entry point meanwhile. Logs and data of a failed
storm are kept, and the path is printed.
"""

import asyncio
import logging
import os
import random
import shutil
import sys
import tempfile
import traceback
from pathlib import Path

from deploy.local.system import LocalSystem
from tests.faults.storm.director import Outcome, storm
from tests.faults.storm.figures import GOAL_SECONDS, percentile
from tests.faults.storm.plan import Plan

SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(2**32))
EVENTS = int(os.environ.get("EVENTS", "100000"))
LIMIT_SECONDS = float(os.environ.get("LIMIT_S", "2400"))
HOSTILE = bool(os.environ.get("HOSTILE"))


def main() -> int:
    flood = " HOSTILE=1" if HOSTILE else ""
    print(f"storm SEED={SEED} EVENTS={EVENTS} LIMIT_S={LIMIT_SECONDS:g}{flood}", file=sys.stderr)
    # Kafka outages are the subject of a storm: client warnings about outages would only flood the output.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    system = LocalSystem(Path(tempfile.mkdtemp(prefix="samenspel-storm-")))
    try:
        system.start(services=())
        system.services.claim_ports(["registry", "funding", "notifier"])
        outcome = asyncio.run(storm(system, Plan.full(SEED, EVENTS, hostile=HOSTILE), _say, LIMIT_SECONDS))
    except BaseException as error:
        traceback.print_exc()
        system.stop()
        print(f"storm FAILED seed={SEED}: {type(error).__name__}; logs in {system.home.path / 'log'}")
        return 1
    system.remove()
    shutil.rmtree(system.home.path, ignore_errors=True)
    for line in outcome.recoveries.lines():
        print(line, file=sys.stderr)
    print(_figures(outcome))
    return 0


def _figures(outcome: Outcome) -> str:
    killed, seconds = outcome.recoveries.killed, outcome.recoveries.of_kills()
    broker, database = killed["Kafka"], killed["PostgreSQL"]
    p50, p99 = percentile(seconds, 50), percentile(seconds, 99)
    return (
        f"storm seed={SEED}: {outcome.events} events, {outcome.canonical} canonical, {outcome.told} told; "
        f"{killed.total()} kills (broker {broker}, PostgreSQL {database}, "
        f"services {killed.total() - broker - database}), "
        f"{outcome.recoveries.number('stop')} stops, {outcome.skipped} faults skipped; "
        f"served again after a kill p50 {p50:.1f} s, p99 {p99:.1f} s, max {max(seconds, default=0):.1f} s "
        f"(goal p99 < {GOAL_SECONDS:g} s: {'met' if p99 < GOAL_SECONDS else 'missed'}); "
        f"lost 0, applied twice 0; {outcome.seconds:.0f} s"
    )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
