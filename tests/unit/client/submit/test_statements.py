"""Submissions are completed the same way each time, so repeating is harmless."""

from datetime import UTC, datetime

import pytest
from samenspel.client.submit.statements import Statement, statement
from samenspel.contracts.catalogue import SUBMISSIONS, type_name
from samenspel.contracts.cloudevents import from_kafka, from_structured
from samenspel.contracts.examples import EXAMPLES
from samenspel.contracts.submissions import read_submission

OIN = "00000099000000000344"


def registered(**changes: object) -> Statement:
    return statement(OIN, "initiative-registered", {**EXAMPLES["initiative-registered"], **changes})


def test_same_statement_has_the_same_id() -> None:
    assert registered().identity == registered().identity
    assert registered(title="Ander laadplein").identity != registered().identity


def test_order_of_fields_does_not_change_the_id() -> None:
    data = EXAMPLES["initiative-registered"]
    backwards = dict(reversed(data.items()))
    assert (
        statement(OIN, "initiative-registered", data).identity
        == statement(OIN, "initiative-registered", backwards).identity
    )


def test_statement_repeated_on_purpose_has_another_id() -> None:
    data = EXAMPLES["initiative-registered"]
    assert statement(OIN, "initiative-registered", data, again=1).identity != registered().identity


def test_given_attributes_are_kept_in_the_statement() -> None:
    given = statement(OIN, type_name("rollout-started"), EXAMPLES["rollout-started"], id="my-own", correlationid="42")
    assert given.attributes["id"] == "my-own"
    assert given.attributes["correlationid"] == "42"


def test_statement_of_an_unknown_type_is_an_error() -> None:
    with pytest.raises(KeyError):
        statement(OIN, "initiative-invented", {})


@pytest.mark.parametrize("fact", EXAMPLES)
def test_statement_is_the_same_submission_over_kafka_and_http(fact: str) -> None:
    stated = statement(OIN, fact, EXAMPLES[fact])
    envelopes = from_kafka(stated.headers(), stated.data), from_structured(stated.structured()), stated.envelope()
    now = datetime.now(UTC)
    read = [read_submission(each, OIN, SUBMISSIONS, now, "test") for each in envelopes]
    assert read[0] == read[1] == read[2]
