"""The registry's decider: permissions, read aggregates, and removed subjects."""

from datetime import UTC, datetime
from typing import Any

import pytest
from samenspel.contracts.catalogue import INITIATIVE, ORGANISATION, ROLLOUT
from samenspel.contracts.problems import Rejected
from samenspel.contracts.submissions import Submission
from samenspel.contracts.topics import INITIATIVES, ORGANISATIONS
from samenspel.messaging import DecisionState, StoredAggregate

from services.registry.handlers import RULES, RegistryDecider
from tests.support.events import initiative, new_id
from tests.support.service_schema import NOON, OPERATOR, statement, submission

CITY, PARTNER = "00000099000000000344", "00000099000000000363"
ADMITTED = {"oin": CITY, "name": "Utrecht", "kind": "municipality"}
VALUE = b'{"oin":"00000099000000000344","name":"Utrecht","kind":"municipality","version":1}'
KNOWN_CITY = {(ORGANISATION.name, CITY): StoredAggregate(VALUE)}


def stated(fact: str, data: dict[str, Any], by: str = CITY) -> Submission:
    return submission(statement(fact, data, by), by)


def decide(each: Submission, own: dict[Any, StoredAggregate] | None = None) -> Any:
    [change] = RegistryDecider(OPERATOR).decide(each, DecisionState(dict(own or {})), NOON)
    return change


def codes(each: Submission, own: dict[Any, StoredAggregate] | None = None) -> list[tuple[str, str]]:
    with pytest.raises(Rejected) as refusal:
        decide(each, own)
    return [(problem.code, problem.field) for problem in refusal.value.problems]


def test_every_submission_type_of_the_registry_has_a_rule() -> None:
    assert set(RULES) == set(RegistryDecider.types)


def test_admitted_organisation_registers_an_initiative() -> None:
    data = initiative()
    change = decide(stated("initiative-registered", data), KNOWN_CITY)
    assert (change.subject, change.key) == (data["initiative_id"], data["initiative_id"])
    assert (change.event_type.aggregate, change.state.lead) == (INITIATIVE, CITY)


def test_organisation_that_is_not_admitted_may_submit_nothing() -> None:
    assert codes(stated("initiative-registered", initiative())) == [("unknown-organisation", "source")]


def test_only_the_operator_admits_organisations() -> None:
    assert codes(stated("organisation-admitted", ADMITTED), KNOWN_CITY) == [("not-permitted", "type")]
    assert decide(stated("organisation-admitted", ADMITTED, OPERATOR)).state.oin == CITY


def test_partner_that_is_not_admitted_is_unknown() -> None:
    data = initiative(partners=[CITY, PARTNER])
    assert codes(stated("initiative-registered", data), KNOWN_CITY) == [("unknown-organisation", "/partners")]


def test_removed_initiative_cannot_be_registered_again() -> None:
    data = initiative()
    removed = {(INITIATIVE.name, data["initiative_id"]): StoredAggregate(b"", removed=True)}
    assert codes(stated("initiative-registered", data), KNOWN_CITY | removed) == [("subject-removed", "subject")]


def test_decision_reads_submitter_partners_and_for_a_rollout_its_initiative() -> None:
    decider = RegistryDecider(OPERATOR)
    data = initiative(partners=[PARTNER])
    registering = stated("initiative-registered", data)
    assert set(decider.own_refs(registering)) == {
        (INITIATIVE.name, data["initiative_id"]),
        (ORGANISATION.name, CITY),
        (ORGANISATION.name, PARTNER),
    }
    rollout = {"initiative_id": data["initiative_id"], "rollout_id": new_id()}
    references = decider.own_refs(stated("rollout-started", rollout))
    assert {(ROLLOUT.name, rollout["rollout_id"]), (INITIATIVE.name, data["initiative_id"])} <= set(references)
    assert not decider.foreign_refs(registering)


def test_event_goes_to_the_topic_of_its_aggregate() -> None:
    decider = RegistryDecider(OPERATOR)
    assert decider.topic_of(stated("initiative-registered", initiative())) == INITIATIVES
    assert decider.topic_of(stated("organisation-admitted", ADMITTED, OPERATOR)) == ORGANISATIONS


def test_decision_does_not_depend_on_the_clock() -> None:
    each = stated("initiative-registered", initiative())
    later = datetime(2030, 1, 1, tzinfo=UTC)
    [change] = RegistryDecider(OPERATOR).decide(each, DecisionState(dict(KNOWN_CITY)), later)
    assert change.state == decide(each, KNOWN_CITY).state
