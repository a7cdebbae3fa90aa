"""A decision is explained from a replica alone."""

from pathlib import Path

import orjson
import pytest
from samenspel.client.read.explanation import explain
from samenspel.client.replica import ReplicaStore
from samenspel.contracts.example_states import EXAMPLE_STATES

from tests.support.lane_owner import Owner
from tests.support.replicas import sync


def test_decision_is_explained_from_a_replica_alone(tmp_path: Path) -> None:
    programme, application = EXAMPLE_STATES["programme.v1"], EXAMPLE_STATES["application.v1"]
    owner = Owner()
    for aggregate, state in (
        ("organisation.v1", EXAMPLE_STATES["organisation.v1"]),
        ("programme.v1", programme),
        ("application.v1", application),
    ):
        subject = next(str(state[key]) for key in ("application_id", "programme_id", "oin") if key in state)
        owner.publish(subject, aggregate, orjson.dumps(state))
    with ReplicaStore(tmp_path / "replica.db", create=True) as store:
        sync(store, owner)
        found = explain(store, application["application_id"])
        assert explain(store, "unknown") is None
        left = next(store.query("select ceiling_cents, granted_cents, left_cents from programme"))
    assert found is not None
    told = "\n".join(found.sentences)
    for expected in ("€ 284.200.000", "€ 25.000.000", "€ 259.200.000", "Awb 4:25(2)", programme["name"]):
        assert expected in told
    assert len(found.steps) == 2
    assert left == (28_420_000_000, 2_500_000_000, 25_920_000_000)


def explained(tmp_path: Path, instrument: str, requested: int, proposed: int, granted: int, rule: str) -> str:
    """The sentences about a decision with these amounts in euro cents."""
    programme = {**EXAMPLE_STATES["programme.v1"], "instrument": instrument}
    state = EXAMPLE_STATES["application.v1"]
    decision = {**state["decision"], "asked_cents": proposed, "granted_cents": granted, "rule": rule}
    status = "granted" if granted == requested else "granted-in-part"
    application = {**state, "requested_cents": requested, "decision": decision, "status": status}
    owner = Owner()
    owner.publish(programme["programme_id"], "programme.v1", orjson.dumps(programme))
    owner.publish(application["application_id"], "application.v1", orjson.dumps(application))
    with ReplicaStore(tmp_path / "replica.db", create=True) as store:
        sync(store, owner)
        found = explain(store, application["application_id"])
    assert found is not None
    return "\n".join(found.sentences)


def test_requested_proposed_and_granted_are_three_amounts(tmp_path: Path) -> None:
    text = explained(tmp_path, "subsidie", 17_000, 13_000, 9_000, "limited-to-ceiling")
    rows = dict(line.split(maxsplit=1) for line in text.splitlines() if line.startswith("  "))
    amounts = ("requested", "proposed", "granted")
    assert {name: rows[name].strip() for name in amounts} == {
        "requested": "€ 170",
        "proposed": "€ 130",
        "granted": "€ 90",
    }
    assert "limited to the amount left (verleend tot aan het subsidieplafond" in text


def test_proposal_below_the_request_is_not_called_granted_in_full(tmp_path: Path) -> None:
    text = explained(tmp_path, "specifieke-uitkering", 17_000, 13_000, 13_000, "within-ceiling")
    assert "proposed less than the requested amount" in text
    assert "granted in full" not in text


@pytest.mark.parametrize(
    ("instrument", "word"),
    [
        ("subsidie", "subsidieplafond"),
        ("specifieke-uitkering", "uitkeringsplafond"),
        ("decentralisatie-uitkering", "uitkeringsplafond"),
        ("bijdrage-convenant", "plafond van het convenant"),
    ],
)
def test_word_for_the_ceiling_follows_the_instrument(tmp_path: Path, instrument: str, word: str) -> None:
    text = explained(tmp_path, instrument, 100, 100, 100, "within-ceiling")
    assert f"({word})" in text and f"(binnen het {word};" in text
    assert ("subsidieplafond" in text) is (instrument == "subsidie")
