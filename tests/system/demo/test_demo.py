"""The demo keeps all promises, also the second time; it runs in a separate home."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from samenspel.client.replica import ReplicaStore

from deploy.demo.sample import Sample
from deploy.local.home import CHECKOUT
from deploy.local.system import LocalSystem

pytestmark = pytest.mark.system
SECONDS_MAX = 240
"""Far above the minute allowed for a demo on an idle machine."""
PROGRAM = "from samenspel.cli import main; main()"


@dataclass(frozen=True, slots=True)
class Played:
    """A run of ``samenspel demo --json``."""

    code: int
    told: str
    outcome: dict[str, Any]


def play(home: Path) -> Played:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SAMENSPEL_")}
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, "demo", "--json"],
        env={**environment, "SAMENSPEL_HOME": str(home)},
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
    )
    assert run.stdout, run.stderr
    return Played(run.returncode, run.stderr, json.loads(run.stdout))


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="samenspel-demo-"))
    yield folder
    LocalSystem(folder).remove()


@pytest.fixture(scope="module")
def runs(home: Path) -> tuple[Played, Played]:
    """The first and the second run on the same home."""
    return play(home), play(home)


@pytest.fixture(params=[0, 1], ids=["first", "second"])
def played(request: pytest.FixtureRequest, runs: tuple[Played, Played]) -> Played:
    chosen: int = request.param
    return runs[chosen]


def test_demo_ends_with_exit_code_0_and_a_report(played: Played) -> None:
    assert played.code == 0, played.told


def test_demo_programmes_grant_exactly_their_ceiling(played: Played) -> None:
    granted = {each["name"]: each["granted_cents"] for each in played.outcome["programmes"]}
    assert granted == Sample.read().ceiling_of
    assert sorted(granted.values()) == [18_000_000_000, 24_430_000_000, 28_420_000_000, 48_200_000_000]
    assert all(each["ceiling_cents"] == each["granted_cents"] for each in played.outcome["programmes"])


def test_demo_application_beyond_the_ceiling_is_refused_with_an_explanation(home: Path, played: Played) -> None:
    assert played.outcome["refused"] == 1
    with ReplicaStore(home / "replicas" / "utrecht.db") as copy:
        refused = list(
            copy.query(
                "select beneficiary, rule, asked_cents, granted_cents, explanation from application "
                "where status = 'refused'"
            )
        )
    ((beneficiary, rule, asked, granted, explanation),) = refused
    assert (beneficiary, rule, asked, granted) == ("Hondsrug Digitaal", "ceiling-reached", 500_000_000, 0)
    assert explanation


def test_demo_replicas_of_four_parties_are_equal(played: Played) -> None:
    replicas = played.outcome["replicas"]
    assert [each["organisation"] for each in replicas] == [
        "Gemeente Utrecht",
        "Vereniging van Nederlandse Gemeenten",
        "Ministerie van Binnenlandse Zaken en Koninkrijksrelaties",
        "Gemeente Borger-Odoorn",
    ]
    assert all(each["equal"] for each in replicas)
    assert len({(each["events"], each["digest"]) for each in replicas}) == 1
    assert played.outcome["events"] == replicas[0]["events"]


def test_demo_deliveries_are_all_verified(played: Played) -> None:
    assert played.outcome["deliveries"]["sent"] == played.outcome["deliveries"]["verified"] == 126


def test_demo_survives_the_kill_of_a_service(home: Path, played: Played) -> None:
    assert played.outcome["killed"] == "funding"
    assert "SIGKILL" in played.told
    with ReplicaStore(home / "replicas" / "utrecht.db") as copy:
        assert dict(copy.query("select status, count(*) from application group by 1")) == {
            "granted": 49,
            "granted-in-part": 1,
            "refused": 1,
        }
        assert list(copy.query("select count(*) from rollout")) == [(64,)]
        assert list(copy.query("select count(*) from organisation where oin like '00000099%'")) == [(50,)]


def test_second_demo_adds_its_own_subscription_only(runs: tuple[Played, Played]) -> None:
    first, second = runs
    assert second.outcome["events"] - first.outcome["events"] == 2


def test_demo_leaves_the_system_running(home: Path, runs: tuple[Played, Played]) -> None:
    assert all(played.code == 0 for played in runs)
    system = LocalSystem(home)
    assert system.kafka.is_ready()
    assert all(system.services.is_ready(service) for service in ("registry", "funding", "notifier"))
