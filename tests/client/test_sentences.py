"""Every event can be told in a sentence, and a decision explained, from what the events say."""

from pathlib import Path

import orjson
import pytest
from samenspel.client.read.explanation import explain
from samenspel.client.read.sentences import NameIndex, euro, sentence
from samenspel.client.replica import ReplicaStore
from samenspel.contracts.catalogue import EVENT_TYPES
from samenspel.contracts.example_states import EXAMPLE_STATES

from tests.client.log import Owner, reading_of

OPERATOR = "00000099000000000001"
UTRECHT = "00000099000000000344"


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_every_event_type_has_words(kind: str) -> None:
    aggregate = EVENT_TYPES[kind].aggregate.name
    state = {**EXAMPLE_STATES[aggregate], "stopped_because": "Opgegaan in het regionale laadnet."}
    said = sentence(kind, aggregate, OPERATOR, orjson.dumps(state), NameIndex({OPERATOR: "Somebody"}))
    assert said.startswith("Somebody ")
    assert kind not in said, "told, not named"


@pytest.mark.parametrize("value", [b"{}", b"no json", b"[]", b"\xff"])
@pytest.mark.parametrize("kind", [*EVENT_TYPES, "nl.samenspel.invented.v1"])
def test_what_cannot_be_told_is_named(kind: str, value: bytes) -> None:
    assert sentence(kind, "invention.v1", UTRECHT, value, NameIndex()).startswith(UTRECHT)


def test_an_organisation_is_called_by_its_latest_name() -> None:
    names = NameIndex()
    names.learn("organisation.v1", {"oin": UTRECHT, "name": "Utrecht"})
    names.learn("organisation.v1", {"oin": UTRECHT, "name": "Groot Utrecht"})
    assert names.organisation(UTRECHT) == "Groot Utrecht"


@pytest.mark.parametrize(
    ("cents", "shown"), [(0, "€ 0"), (100, "€ 1"), (123_456_789, "€ 1.234.567,89"), (5, "€ 0,05")]
)
def test_money_is_written_as_in_dutch(cents: int, shown: str) -> None:
    assert euro(cents) == shown


def test_a_decision_is_explained_from_a_replica_alone(tmp_path: Path) -> None:
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
