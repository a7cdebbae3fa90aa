"""Every event type has a sentence; names and money are in everyday notation."""

import orjson
import pytest
from samenspel.client.read.sentences import NameIndex, euro, sentence
from samenspel.contracts.catalogue import EVENT_TYPES
from samenspel.contracts.example_states import EXAMPLE_STATES

OPERATOR = "00000099000000000001"
UTRECHT = "00000099000000000344"


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_every_event_type_has_a_sentence(kind: str) -> None:
    aggregate = EVENT_TYPES[kind].aggregate.name
    state = {**EXAMPLE_STATES[aggregate], "stopped_because": "Opgegaan in het regionale laadnet."}
    said = sentence(kind, aggregate, OPERATOR, orjson.dumps(state), NameIndex({OPERATOR: "Somebody"}))
    assert said.startswith("Somebody ")
    assert kind not in said, "told, not named"


@pytest.mark.parametrize("value", [b"{}", b"no json", b"[]", b"\xff"])
@pytest.mark.parametrize("kind", [*EVENT_TYPES, "nl.samenspel.invented.v1"])
def test_event_without_a_sentence_is_named_by_its_type(kind: str, value: bytes) -> None:
    assert sentence(kind, "invention.v1", UTRECHT, value, NameIndex()).startswith(UTRECHT)


def test_organisation_is_called_by_its_latest_name() -> None:
    names = NameIndex()
    names.learn("organisation.v1", {"oin": UTRECHT, "name": "Utrecht"})
    names.learn("organisation.v1", {"oin": UTRECHT, "name": "Groot Utrecht"})
    assert names.organisation(UTRECHT) == "Groot Utrecht"


@pytest.mark.parametrize(
    ("cents", "shown"), [(0, "€ 0"), (100, "€ 1"), (123_456_789, "€ 1.234.567,89"), (5, "€ 0,05")]
)
def test_money_is_written_as_in_dutch(cents: int, shown: str) -> None:
    assert euro(cents) == shown
