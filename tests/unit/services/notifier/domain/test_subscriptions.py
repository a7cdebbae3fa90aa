"""Creating and cancelling a subscription."""

import pytest
from samenspel.contracts.catalogue import EVENT_TYPES
from samenspel.contracts.notifications import Subscription, SubscriptionCancelled, SubscriptionCreated
from samenspel.contracts.problems import Rejected

from services.notifier.domain.subscriptions import cancel, create

ID = "5e6a2f6b-9c1a-4a53-9d0e-0c8f8f2a1b44"
UTRECHT, ARNHEM = "00000099000000000344", "00000099000000000202"
PULL = SubscriptionCreated(subscription_id=ID, start="beginning", delivery="pull")
PUSH = SubscriptionCreated(subscription_id=ID)
CANCELLED = SubscriptionCancelled(subscription_id=ID)


def created() -> Subscription:
    return create(PULL, None, UTRECHT, has_endpoint=False)


def codes(refusal: pytest.ExceptionInfo[Rejected]) -> set[str]:
    return {problem.code for problem in refusal.value.problems}


def test_subscription_belongs_to_its_submitter() -> None:
    assert (created().organisation, created().status, created().version) == (UTRECHT, "active", 1)


def test_push_subscription_without_an_endpoint_is_refused() -> None:
    assert create(PUSH, None, UTRECHT, has_endpoint=True).delivery == "push"
    with pytest.raises(Rejected) as refusal:
        create(PUSH, None, UTRECHT, has_endpoint=False)
    assert codes(refusal) == {"missing-field"}


def test_invalid_subscription_is_refused_with_every_problem() -> None:
    stated = PUSH.model_copy(update={"types": ("nl.samenspel.nothing-happened.v1",)})
    with pytest.raises(Rejected) as refusal:
        create(stated, created(), UTRECHT, has_endpoint=False)
    assert codes(refusal) == {"unknown-type", "already-exists", "missing-field"}


def test_duplicate_type_is_one_filter() -> None:
    name = next(iter(EVENT_TYPES))
    stated = PULL.model_copy(update={"types": (name, name)})
    assert create(stated, None, UTRECHT, has_endpoint=False).types == (name,)


def test_only_the_subscriber_cancels_and_only_once() -> None:
    assert cancel(CANCELLED, created(), UTRECHT).status == "cancelled"
    for present, by, code in (
        (None, UTRECHT, "unknown-subscription"),
        (created(), ARNHEM, "not-permitted"),
        (cancel(CANCELLED, created(), UTRECHT), UTRECHT, "already-decided"),
    ):
        with pytest.raises(Rejected) as refusal:
            cancel(CANCELLED, present, by)
        assert codes(refusal) == {code}
