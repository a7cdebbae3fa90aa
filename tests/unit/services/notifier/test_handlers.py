"""The notifier's decider: subscriptions of admitted organisations, with a known endpoint for push."""

from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from samenspel.contracts.catalogue import ORGANISATION, SUBSCRIPTION, SUBSCRIPTION_V1, submissions_of, type_name
from samenspel.contracts.example_states import EXAMPLE_STATES
from samenspel.contracts.problems import AggregateNotArrived, Rejected
from samenspel.contracts.submissions import Submission
from samenspel.contracts.topics import NOTIFICATIONS
from samenspel.messaging import DecisionState, StoredAggregate

from services.notifier.handlers import KnownSubscriptions, NotifierDecider
from services.notifier.store import endpoints, subscriptions
from tests.support.service_schema import NOON, OPERATOR

CITY, ID = "00000099000000000344", "5e6a2f6b-9c1a-4a53-9d0e-0c8f8f2a1b44"
ADMITTED = {
    (ORGANISATION.name, CITY): StoredAggregate(
        b'{"oin":"00000099000000000344","name":"Utrecht","kind":"municipality","version":1}'
    )
}
URL = "https://utrecht.example/hooks"
OTHERS = {f"other-{number}": None for number in range(20)}
TYPES = submissions_of("notifications")


async def no_ends() -> dict[tuple[str, int], int]:
    return {}


def stated(fact: str, by: str = CITY, **data: Any) -> Submission:
    kind = TYPES[type_name(fact)]
    model = kind.model.model_validate({"subscription_id": ID, **data}, strict=False)
    return Submission(by, f"urn:nld:oin:{by}:systeem:tests", "1", kind, ID, ID, model, b"", NOON, "test")


def decide(
    each: Submission,
    *,
    known: Any = ADMITTED,
    endpoints: Any = (),
    own: Any = None,
    active: Any = (),
    changes: Any = (),
) -> Any:
    """``endpoints`` and ``active`` (identity → endpoint) are those in the database; ``changes`` of the same batch."""
    extra = KnownSubscriptions(dict.fromkeys(endpoints, URL), {each.organisation: dict(active)})
    state = DecisionState(dict(own or {}), known, extra, list(changes))
    [change] = NotifierDecider(OPERATOR, 4, no_ends).decide(each, state, NOON)
    return change


def codes(refusal: pytest.ExceptionInfo[Rejected]) -> list[str]:
    return [each.code for each in refusal.value.problems]


def test_admitted_organisation_subscribes_and_cancels() -> None:
    created = decide(stated("subscription-created", delivery="pull"))
    assert (created.subject, created.state.organisation, created.state.status) == (ID, CITY, "active")
    own = {(SUBSCRIPTION.name, ID): StoredAggregate(created.state.model_dump_json(exclude_none=True).encode())}
    assert decide(stated("subscription-cancelled"), own=own).state.status == "cancelled"


def test_push_needs_the_endpoint_that_this_organisation_gave() -> None:
    each = stated("subscription-created", delivery="push")
    assert decide(each, endpoints=[(CITY, ID)]).private.delivery == "push"
    with pytest.raises(Rejected):
        decide(each, endpoints=[("00000099000000000363", ID)])


def test_subscription_waits_for_the_admission_of_its_organisation() -> None:
    with pytest.raises(AggregateNotArrived) as missing:
        decide(stated("subscription-created", delivery="pull"), known={})
    assert (missing.value.aggregate, missing.value.subject) == (ORGANISATION.name, CITY)


def test_operator_needs_no_admission() -> None:
    assert decide(stated("subscription-created", OPERATOR, delivery="pull"), known={}).state.organisation == OPERATOR


def test_subscription_above_the_limit_is_refused_and_another_organisation_may_subscribe() -> None:
    """Twenty are active; one that is cancelled, also in the same batch, makes room."""
    each = stated("subscription-created", delivery="pull")
    with pytest.raises(Rejected) as refusal:
        decide(each, active=OTHERS)
    assert codes(refusal) == ["limit-reached"]
    assert "20 active subscriptions" in refusal.value.problems[0].detail
    assert decide(each, active=dict(list(OTHERS.items())[1:])).state.status == "active"
    cancelled = SimpleNamespace(
        state=SimpleNamespace(organisation=CITY, subscription_id="other-0", status="cancelled")
    )
    assert decide(each, active=OTHERS, changes=[cancelled]).state.status == "active"


def test_subscriptions_of_the_same_batch_count() -> None:
    made = [
        SimpleNamespace(state=SimpleNamespace(organisation=CITY, subscription_id=f"new-{number}", status="active"))
        for number in range(20)
    ]
    each = stated("subscription-created", delivery="pull")
    with pytest.raises(Rejected) as refusal:
        decide(each, changes=made)
    assert codes(refusal) == ["limit-reached"]
    for change in made:
        change.state.organisation = "00000099000000000363"
    assert decide(each, changes=made).state.status == "active"


@pytest.mark.parametrize("spelling", [URL, "https://UTRECHT.example:443/hooks"])
def test_endpoint_with_five_subscriptions_gets_no_sixth(spelling: str) -> None:
    each = stated("subscription-created", delivery="push")
    five = {f"other-{number}": spelling for number in range(5)}
    with pytest.raises(Rejected) as refusal:
        decide(each, endpoints=[(CITY, ID)], active=five)
    assert codes(refusal) == ["limit-reached"]
    assert decide(each, endpoints=[(CITY, ID)], active=five | {"other-0": f"{URL}/2"}).private.delivery == "push"


def test_decision_reads_the_subscription_and_its_organisation() -> None:
    decider, each = NotifierDecider(OPERATOR, 4, no_ends), stated("subscription-created", delivery="pull")
    assert list(decider.own_refs(each)) == [(SUBSCRIPTION.name, ID), (SUBSCRIPTION_V1.name, ID)]
    assert list(decider.foreign_refs(each)) == [(ORGANISATION.name, CITY)]
    assert decider.topic_of(each) == NOTIFICATIONS
    assert decider.private_part_of(each, DecisionState()) is None


def test_event_has_no_filter_start_or_delivery() -> None:
    each = stated("subscription-created", delivery="pull", types=["nl.samenspel.grant-awarded.v1"])
    change = decide(each)
    assert change.event_type.name == "nl.samenspel.subscription-created.v2"
    assert set(change.state.model_dump()) == {"subscription_id", "organisation", "status", "version"}
    assert change.private.types == ("nl.samenspel.grant-awarded.v1",)


def test_terms_that_a_restore_lost_are_taken_from_the_submission_again() -> None:
    each = stated("subscription-created", delivery="pull", types=["nl.samenspel.grant-awarded.v1"])
    public = decide(each).state
    for status, private, restored in (("active", None, True), ("active", b"{}", False), ("cancelled", None, False)):
        value = public.model_copy(update={"status": status}).model_dump_json().encode()
        kept = private and decide(each).private.model_dump_json().encode()
        known = DecisionState({(SUBSCRIPTION.name, ID): StoredAggregate(value, private=kept)})
        found = NotifierDecider(OPERATOR, 4, no_ends).private_part_of(each, known)
        assert (found is not None) is restored
        if found:
            assert found == ((SUBSCRIPTION.name, ID), decide(each).private)


def test_subscription_of_version_1_keeps_its_version() -> None:
    value = orjson.dumps({**EXAMPLE_STATES["subscription.v1"], "subscription_id": ID, "organisation": CITY})
    own = {(SUBSCRIPTION_V1.name, ID): StoredAggregate(value)}
    change = decide(stated("subscription-cancelled"), own=own)
    assert change.event_type.name == "nl.samenspel.subscription-cancelled.v1"
    assert (change.state.status, change.state.delivery) == ("cancelled", "pull")
    with pytest.raises(Rejected, match="exists already"):
        decide(stated("subscription-created", delivery="pull"), own=own)


@pytest.mark.parametrize(
    ("submissions", "asked"),
    [
        ([stated("subscription-created", delivery="pull", start="now")], 1),
        ([stated("subscription-created", delivery="pull", start="beginning")], 0),
        ([stated("subscription-cancelled")], 0),
        ([stated("subscription-created", delivery="pull"), stated("subscription-created", delivery="pull")], 1),
    ],
    ids=["now", "beginning", "cancelled", "two"],
)
async def test_ends_of_the_lanes_are_asked_once_and_only_for_a_start_now(
    submissions: list[Submission], asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = 0

    async def ends() -> dict[tuple[str, int], int]:
        nonlocal questions
        questions += 1
        return {(NOTIFICATIONS, 0): 7}

    async def nothing(*_: object) -> dict[Any, Any]:
        return {}

    monkeypatch.setattr(endpoints, "existing", nothing)
    monkeypatch.setattr(subscriptions, "active", nothing)
    known = await NotifierDecider(OPERATOR, 4, ends).load(None, submissions)  # type: ignore[arg-type]
    assert questions == asked
    assert known.ends == ({(NOTIFICATIONS, 0): 7} if asked else {})
