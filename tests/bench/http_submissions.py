"""Submissions over HTTP against a floor that writes the same rows in one transaction per request.

The clients run in a process of their own (`tests.bench.http_load`): client and server share the machine, as the floor
and its clients do.
"""

import asyncio
import os
import statistics
import subprocess
import sys
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
SINGLES_PER_SECOND: Final = 1_500
SINGLES_RATIO: Final = 2.5
BATCH_RATIO: Final = 0.55
EVENTS: Final = 50


def http_submissions(stand: Stand, rounds: int) -> list[Figure]:
    """Singles of 64 clients of sixteen organisations, and batches of four clients; floor and service in turn."""
    with stand.process("registry", "services.registry"):
        stand.await_ready("registry")
        asyncio.run(admit(stand.system.profile, [_organisation(oin) for oin in MORE]))
        loaded(stand, "registry", clients=16, events=1, run=0)
    ours: list[list[dict[str, float]]] = []
    floors: list[list[dict[str, float]]] = []
    for turn in range(rounds):
        floors.append(_floor(stand, turn))
        ours.append(_service(stand, turn))
    singles = _figure("HTTP singles, 64 clients", ours, floors, 0, SINGLES_RATIO, SINGLES_PER_SECOND)
    batches = _figure("HTTP batches of 50, 4 clients", ours, floors, 1, BATCH_RATIO, 0)
    alone = _figure("HTTP singles, 1 client", ours, floors, 2, 0, 0)
    return [singles, batches, alone]


def _floor(stand: Stand, turn: int) -> list[dict[str, float]]:
    with stand.process("funding", "tests.bench.http_floor", *ORGANISATIONS, *MORE):
        stand.await_ready("funding")
        return _all_loads(stand, "funding", 2 * turn)


def _service(stand: Stand, turn: int) -> list[dict[str, float]]:
    with stand.process("registry", "services.registry"):
        stand.await_ready("registry")
        return _all_loads(stand, "registry", 2 * turn + 1)


def _all_loads(stand: Stand, service: Service, run: int) -> list[dict[str, float]]:
    loads = ((64, 1), (4, EVENTS), (1, 1))
    found = [
        loaded(stand, service, clients=clients, events=events, run=1 + 3 * run + number)
        for number, (clients, events) in enumerate(loads)
    ]
    assert not any(each["refused"] for each in found), found
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


def _figure(
    name: str,
    ours: list[list[dict[str, float]]],
    floors: list[list[dict[str, float]]],
    number: int,
    ratio_min: float,
    rate_min: float,
) -> Figure:
    rates = [each[number]["per_second"] for each in ours]
    bases = [each[number]["per_second"] for each in floors]
    ratio = statistics.median(rate / base for rate, base in zip(rates, bases, strict=True))
    value, floor = statistics.median(rates), statistics.median(bases)
    goal = f"ratio >= {ratio_min}" + (f", >= {rate_min:,}/s" if rate_min else "")
    holds = ratio >= ratio_min and value >= rate_min
    return Figure(name, value, "events/s", floor, ratio, goal if ratio_min else "", holds if ratio_min else None)


def _organisation(oin: str) -> OrganisationAdmitted:
    return OrganisationAdmitted(oin=oin, name=f"Gemeente {oin[-4:]}", kind="municipality")
