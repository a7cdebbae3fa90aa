"""What is decided about subscriptions, and what follows from an attempt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samenspel.contracts.catalogue import EVENT_TYPES
from samenspel.contracts.notifications import Subscription, SubscriptionCancelled, SubscriptionCreated
from samenspel.contracts.problems import Rejected

from services.notifier.domain.retry import RETRY_AFTER_SECONDS_MAX, classify_response, retry_delay
from services.notifier.domain.subscriptions import cancel, create
from services.notifier.settings import Settings

ID = "5e6a2f6b-9c1a-4a53-9d0e-0c8f8f2a1b44"
UTRECHT, ARNHEM = "00000099000000000344", "00000099000000000202"
PULL = SubscriptionCreated(subscription_id=ID, start="beginning", delivery="pull")
PUSH = SubscriptionCreated(subscription_id=ID)
CANCELLED = SubscriptionCancelled(subscription_id=ID)
SCHEDULE = Settings.model_fields["retry_after_seconds"].default


def created() -> Subscription:
    return create(PULL, None, UTRECHT, has_endpoint=False)


def codes(refusal: pytest.ExceptionInfo[Rejected]) -> set[str]:
    return {problem.code for problem in refusal.value.problems}


def test_a_subscription_belongs_to_who_made_it() -> None:
    assert (created().organisation, created().status, created().version) == (UTRECHT, "active", 1)


def test_an_address_must_have_been_given_for_push() -> None:
    assert create(PUSH, None, UTRECHT, has_endpoint=True).delivery == "push"
    with pytest.raises(Rejected) as refusal:
        create(PUSH, None, UTRECHT, has_endpoint=False)
    assert codes(refusal) == {"missing-field"}


def test_everything_that_is_wrong_is_said_at_once() -> None:
    stated = PUSH.model_copy(update={"types": ("nl.samenspel.nothing-happened.v1",)})
    with pytest.raises(Rejected) as refusal:
        create(stated, created(), UTRECHT, has_endpoint=False)
    assert codes(refusal) == {"unknown-type", "already-exists", "missing-field"}


def test_a_type_that_is_named_twice_is_one_filter() -> None:
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


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_2xx_is_success(status: int) -> None:
    assert classify_response(status, None).delivered


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 401, 404, 410, 500, 503])
def test_everything_else_is_failure_redirects_too(status: int) -> None:
    assert not classify_response(status, None).delivered


def test_410_is_for_good_and_503_is_for_now() -> None:
    assert classify_response(410, None).gone and not classify_response(410, None).unavailable
    assert classify_response(503, None).unavailable and not classify_response(503, None).gone
    assert not classify_response(500, None).unavailable


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("120", 120.0), (" 7 ", 7.0), ("9999999", RETRY_AFTER_SECONDS_MAX), ("soon", None), ("-1", None), (None, None)],
)
def test_retry_after_is_respected_within_bounds(text: str | None, seconds: float | None) -> None:
    assert classify_response(429, text).retry_after == seconds
    assert classify_response(500, text).retry_after is None


@given(st.integers(1, 1_000), st.floats(0, 1, exclude_max=True))
def test_waits_follow_the_schedule_and_then_repeat_its_last_step(times: int, chance: float) -> None:
    step = SCHEDULE[min(times, len(SCHEDULE)) - 1]
    assert step <= retry_delay(SCHEDULE, times, chance) <= step * 1.2


def test_the_schedule_is_that_of_standard_webhooks() -> None:
    minute, hour = 60, 3_600
    hours = [2, 5, 10, 14, 20, 24]
    assert list(SCHEDULE) == [5, 5 * minute, 30 * minute, *(each * hour for each in hours)]
