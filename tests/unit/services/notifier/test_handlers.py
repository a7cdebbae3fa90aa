"""The notifier's decider: subscriptions of admitted organisations, with a known endpoint for push."""

from typing import Any

import pytest
from samenspel.contracts.catalogue import ORGANISATION, SUBSCRIPTION, submissions_of, type_name
from samenspel.contracts.problems import AggregateNotArrived, Rejected
from samenspel.contracts.submissions import Submission
from samenspel.contracts.topics import NOTIFICATIONS
from samenspel.messaging import DecisionState, StoredAggregate

from services.notifier.handlers import NotifierDecider
from tests.support.service_schema import NOON, OPERATOR

CITY, ID = "00000099000000000344", "5e6a2f6b-9c1a-4a53-9d0e-0c8f8f2a1b44"
ADMITTED = {
    (ORGANISATION.name, CITY): StoredAggregate(
        b'{"oin":"00000099000000000344","name":"Utrecht","kind":"municipality","version":1}'
    )
}
TYPES = submissions_of("notifications")


def stated(fact: str, by: str = CITY, **data: Any) -> Submission:
    kind = TYPES[type_name(fact)]
    model = kind.model.model_validate({"subscription_id": ID, **data}, strict=False)
    return Submission(by, f"urn:nld:oin:{by}:systeem:tests", "1", kind, ID, ID, model, b"", NOON, "test")


def decide(each: Submission, *, known: Any = ADMITTED, endpoints: Any = (), own: Any = None) -> Any:
    state = DecisionState(dict(own or {}), known, set(endpoints))
    [change] = NotifierDecider(OPERATOR, 4).decide(each, state, NOON)
    return change


def test_admitted_organisation_subscribes_and_cancels() -> None:
    created = decide(stated("subscription-created", delivery="pull"))
    assert (created.subject, created.state.organisation, created.state.status) == (ID, CITY, "active")
    own = {(SUBSCRIPTION.name, ID): StoredAggregate(created.state.model_dump_json(exclude_none=True).encode())}
    assert decide(stated("subscription-cancelled"), own=own).state.status == "cancelled"


def test_push_needs_the_endpoint_that_this_organisation_gave() -> None:
    each = stated("subscription-created", delivery="push")
    assert decide(each, endpoints=[(CITY, ID)]).state.delivery == "push"
    with pytest.raises(Rejected):
        decide(each, endpoints=[("00000099000000000363", ID)])


def test_subscription_waits_for_the_admission_of_its_organisation() -> None:
    with pytest.raises(AggregateNotArrived) as missing:
        decide(stated("subscription-created", delivery="pull"), known={})
    assert (missing.value.aggregate, missing.value.subject) == (ORGANISATION.name, CITY)


def test_operator_needs_no_admission() -> None:
    assert decide(stated("subscription-created", OPERATOR, delivery="pull"), known={}).state.organisation == OPERATOR


def test_decision_reads_the_subscription_and_its_organisation() -> None:
    decider, each = NotifierDecider(OPERATOR, 4), stated("subscription-created", delivery="pull")
    assert list(decider.own_refs(each)) == [(SUBSCRIPTION.name, ID)]
    assert list(decider.foreign_refs(each)) == [(ORGANISATION.name, CITY)]
    assert decider.topic_of(each) == NOTIFICATIONS
    assert decider.private_part_of(each, DecisionState()) is None  # type: ignore[func-returns-value]
