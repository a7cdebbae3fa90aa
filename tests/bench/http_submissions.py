"""Submissions over HTTP against a floor that writes the same rows in one transaction per request.

The clients run in a process of their own (`tests.bench.http_load`): client and server share the machine, as the floor
and its clients do.
"""

import asyncio
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, Final

import orjson
from samenspel.client.admin.admission import admit
from samenspel.contracts.organisations import OrganisationAdmitted
from samenspel.contracts.topics import Service

from tests.bench.harness import ORGANISATIONS, Stand
from tests.bench.http_load import VARIABLE
from tests.bench.measures import Figure

MORE: Final = [f"000000990000000081{number:02d}" for number in range(8)]
"""Further organisations: sixteen in all."""
SINGLES: Final = "64 clients, single events"
BATCHES: Final = "4 clients, batches of 50"
LOADS: Final = {SINGLES: (64, 1), BATCHES: (4, 50), "1 client, single events": (1, 1)}
"""Clients, and events of one request."""
GOALS: Final = {SINGLES: (2.5, 1_500), BATCHES: (0.55, 0)}
"""The smallest ratio to the floor, and the smallest number of events a second."""


def http_submissions(stand: Stand, rounds: int) -> list[Figure]:
    """Clients with single events and with batches; floor and service in turn, both warm and on databases apart."""
    with stand.process("registry", "services.registry"):
        stand.await_ready("registry")
        asyncio.run(admit(stand.system.profile, [_organisation(oin) for oin in MORE]))
        with stand.process("funding", "tests.bench.http_floor", *ORGANISATIONS, *MORE):
            stand.await_ready("funding")
            found = [_round(stand, turn) for turn in range(rounds + 1)][1:]
    return [_figure(load, [each[load] for each in found]) for load in LOADS]


def _round(stand: Stand, turn: int) -> dict[str, tuple[float, float]]:
    """Events a second by load: the service, and the floor just before."""
    found: dict[str, tuple[float, float]] = {}
    for number, (name, (clients, events)) in enumerate(LOADS.items()):
        run = 1 + len(LOADS) * turn + number
        floor = loaded(stand, "funding", clients=clients, events=events, run=run)
        ours = loaded(stand, "registry", clients=clients, events=events, run=run)
        assert not floor["refused"] + ours["refused"], (floor, ours)
        found[name] = ours["per_second"], floor["per_second"]
    return found


def loaded(stand: Stand, service: Service, **load: Any) -> dict[str, float]:
    """The result of `tests.bench.http_load` with this load."""
    credentials = [stand.system.profile.credential(oin) for oin in [*ORGANISATIONS, *MORE]]
    tokens = {each.oin: each.token for each in credentials}
    given = {"url": stand.system.profile.system().http[service], "tokens": tokens, **load}
    environment = {**os.environ, VARIABLE: orjson.dumps(given).decode()}
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.http_load"], env=environment, stdout=subprocess.PIPE, check=True
    )
    return dict(orjson.loads(done.stdout))


def _figure(name: str, found: Sequence[tuple[float, float]]) -> Figure:
    value, floor = (statistics.median(each) for each in zip(*found, strict=True))
    ratio = statistics.median(ours / floor for ours, floor in found)
    if name not in GOALS:
        return Figure(f"HTTP, {name}", value, "events/s", floor, ratio)
    ratio_min, rate_min = GOALS[name]
    goal = f"ratio >= {ratio_min}" + (f", >= {rate_min:,}/s" if rate_min else "")
    return Figure(f"HTTP, {name}", value, "events/s", floor, ratio, goal, ratio >= ratio_min and value >= rate_min)


def _organisation(oin: str) -> OrganisationAdmitted:
    return OrganisationAdmitted(oin=oin, name=f"Gemeente {oin[-4:]}", kind="municipality")
