"""The state of a decision: own and projected aggregates, private parts, removed subjects."""

import pytest
from pydantic import ValidationError
from samenspel.contracts.catalogue import INITIATIVE, ORGANISATION
from samenspel.contracts.initiatives import Initiative
from samenspel.contracts.organisations import Organisation
from samenspel.contracts.problems import AggregateNotArrived
from samenspel.messaging.decisions.state import DecisionState, StoredAggregate

OIN = "00000099000000000344"
VALUE = b'{"oin":"00000099000000000344","name":"Utrecht","kind":"municipality","version":1}'
NEWER = VALUE[:-1] + b',"colour":"red"}'
REFERENCE = ORGANISATION.name, OIN


def test_own_aggregate_is_read_as_its_model() -> None:
    state = DecisionState({REFERENCE: StoredAggregate(VALUE)}).own_state(Organisation, ORGANISATION, OIN)
    assert state is not None
    assert state.name == "Utrecht"


def test_unknown_and_removed_aggregates_have_no_state() -> None:
    known = DecisionState({REFERENCE: StoredAggregate(b"", removed=True)})
    assert known.own_state(Organisation, ORGANISATION, OIN) is None
    assert known.is_removed(ORGANISATION, OIN)
    assert known.own_state(Initiative, INITIATIVE, "unknown") is None
    assert not known.is_removed(INITIATIVE, "unknown")


def test_own_aggregate_with_an_unknown_field_is_an_error() -> None:
    with pytest.raises(ValidationError):
        DecisionState({REFERENCE: StoredAggregate(NEWER)}).own_state(Organisation, ORGANISATION, OIN)


def test_projected_aggregate_with_an_unknown_field_is_read() -> None:
    """Another service may be newer."""
    known = DecisionState(foreign={REFERENCE: StoredAggregate(NEWER)})
    assert known.require_foreign(Organisation, ORGANISATION, OIN).name == "Utrecht"


@pytest.mark.parametrize("foreign", [{}, {REFERENCE: StoredAggregate(b"", removed=True)}])
def test_projected_aggregate_that_is_absent_defers_the_submission(
    foreign: dict[tuple[str, str], StoredAggregate],
) -> None:
    with pytest.raises(AggregateNotArrived) as missing:
        DecisionState(foreign=foreign).require_foreign(Organisation, ORGANISATION, OIN)
    assert (missing.value.aggregate, missing.value.subject) == REFERENCE


def test_private_part_is_read_where_the_aggregate_has_one() -> None:
    known = DecisionState({REFERENCE: StoredAggregate(VALUE, private=VALUE)})
    assert known.private_part(Organisation, ORGANISATION, OIN) is not None
    assert DecisionState({REFERENCE: StoredAggregate(VALUE)}).private_part(Organisation, ORGANISATION, OIN) is None
    assert DecisionState().private_part(Organisation, ORGANISATION, OIN) is None
