"""A decision is explained from a replica alone."""

from pathlib import Path

import orjson
from samenspel.client.read.explanation import explain
from samenspel.client.replica import ReplicaStore
from samenspel.contracts.example_states import EXAMPLE_STATES

from tests.support.lane_owner import Owner, reading_of


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
        reading_of(store, owner).run(False, lambda done, total: None)
        found = explain(store, application["application_id"])
        assert explain(store, "unknown") is None
        left = next(store.query("select ceiling_cents, granted_cents, left_cents from programme"))
    assert found is not None
    told = "\n".join(found.sentences)
    for expected in ("€ 284.200.000", "€ 25.000.000", "€ 259.200.000", "Awb 4:25(2)", programme["name"]):
        assert expected in told
    assert len(found.steps) == 2
    assert left == (28_420_000_000, 2_500_000_000, 25_920_000_000)
