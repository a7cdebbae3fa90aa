"""`samenspel funding explain`: a decision from a replica, the events, and unknown applications."""

from pathlib import Path

import orjson
import pytest
from samenspel.client.replica import ReplicaStore
from samenspel.contracts.example_states import EXAMPLE_STATES

from tests.support.cli import run
from tests.support.lane_owner import Owner
from tests.support.replicas import sync

APPLICATION = EXAMPLE_STATES["application.v1"]["application_id"]


@pytest.fixture
def db(tmp_path: Path) -> str:
    """A replica with a programme and a decided application."""
    owner = Owner()
    for aggregate, key in (("programme.v1", "programme_id"), ("application.v1", "application_id")):
        state = EXAMPLE_STATES[aggregate]
        owner.publish(str(state[key]), aggregate, orjson.dumps(state))
    with ReplicaStore(tmp_path / "replica.db", create=True) as store:
        sync(store, owner)
    return str(tmp_path / "replica.db")


def test_decision_is_explained_with_its_events(db: str) -> None:
    shown = run("funding", "explain", str(APPLICATION), "--db", db)
    assert shown.exit_code == 0
    assert "€ 284.200.000" in shown.stdout
    assert "samenspel.initiatives/0 2" in shown.stdout


def test_explanation_as_json_has_sentences_and_steps(db: str) -> None:
    shown = orjson.loads(run("funding", "explain", str(APPLICATION), "--db", db, "--json").stdout)
    assert shown["sentences"]
    assert len(shown["steps"]) == 2


def test_unknown_application_ends_with_1(db: str) -> None:
    shown = run("funding", "explain", "unknown", "--db", db)
    assert (shown.exit_code, shown.stdout) == (1, "")
    assert "unknown" in shown.stderr
