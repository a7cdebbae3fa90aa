"""``make chaos``: every point × {killed before, killed after, answer lost} × seeds, on a single system.

All three services die in turn, in parallel stages on the same broker and PostgreSQL. ``SEED`` is the first seed,
``RUNS`` the minimum number of runs (rounded up to full seeds), ``LIMIT_S`` the seconds after which no run starts,
``JOBS`` the number of parallel runs (at most one per service). ``CASES`` names the cases to try instead, in the form
printed for a failure, a case per line.
"""

import asyncio
import os
import shutil
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from itertools import count, islice
from pathlib import Path
from random import Random
from typing import Final

from samenspel.contracts.topics import DOMAIN_OF, Service

from deploy.local.system import LocalSystem
from tests.faults.kill.campaign import Campaign
from tests.faults.kill.catalogue import POINTS, Case, Mode, case

SEED: Final = int(os.environ.get("SEED", "1"))
RUNS: Final = int(os.environ.get("RUNS", "1500"))
LIMIT_SECONDS: Final = float(os.environ.get("LIMIT_S", "3600"))
JOBS: Final = int(os.environ.get("JOBS", "3"))


def main() -> int:
    """0 when everything held."""
    print(f"kill points SEED={SEED} RUNS={RUNS} LIMIT_S={LIMIT_SECONDS:g} JOBS={JOBS}", file=sys.stderr)
    system = LocalSystem(Path(tempfile.mkdtemp(prefix="samenspel-kill-")))
    campaign = Campaign(JOBS, LIMIT_SECONDS)
    try:
        system.start(services=())
        system.services.claim_ports(list(DOMAIN_OF))
        asyncio.run(campaign.fight(system, wanted()))
    except BaseException:
        traceback.print_exc()
        campaign.failures += 1
    finally:
        print(campaign.figures())
        if campaign.failures:
            system.stop()
            print(f"what is left of it: {system.home.path}", file=sys.stderr)
        else:
            system.remove()
            shutil.rmtree(system.home.path, ignore_errors=True)
    return 1 if campaign.failures else 0


def wanted() -> dict[Service, list[Case]]:
    """The cases of each service, in the order of the trials."""
    named = [case(line) for line in os.environ.get("CASES", "").splitlines() if line]
    if named:
        return {service: [each for each in named if each.service == service] for service in DOMAIN_OF}
    cases = {service: all_cases(service) for service in DOMAIN_OF}
    total = sum(len(points) for points in POINTS.values()) * len(Mode)
    return {
        service: list(islice(each, -(-RUNS // total) * len(POINTS[service]) * len(Mode)))
        for service, each in cases.items()
    }


def all_cases(service: Service) -> Iterator[Case]:
    """Every point and mode with the first seed, in an order of chance; then with the next."""
    for seed in count(SEED):
        cases: Sequence[Case] = [Case(service, point, mode, seed) for point in POINTS[service] for mode in Mode]
        yield from Random(seed).sample(cases, len(cases))


if __name__ == "__main__":
    sys.exit(main())
