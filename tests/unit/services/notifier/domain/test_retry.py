"""Classification of a receiver's response, and the retry schedule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.domain.retry import RETRY_AFTER_SECONDS_MAX, classify_response, retry_delay
from services.notifier.settings import Settings

SCHEDULE = Settings.model_fields["retry_after_seconds"].default


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_status_2xx_is_success(status: int) -> None:
    assert classify_response(status, None).delivered


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 401, 404, 410, 500, 503])
def test_status_outside_2xx_is_failure(status: int) -> None:
    assert not classify_response(status, None).delivered


def test_status_410_is_permanent_and_503_temporary() -> None:
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
def test_retry_delays_follow_the_schedule_and_repeat_its_last_step(times: int, chance: float) -> None:
    step = SCHEDULE[min(times, len(SCHEDULE)) - 1]
    assert step <= retry_delay(SCHEDULE, times, chance) <= step * 1.2


def test_retry_schedule_equals_that_of_standard_webhooks() -> None:
    minute, hour = 60, 3_600
    hours = [2, 5, 10, 14, 20, 24]
    assert list(SCHEDULE) == [5, 5 * minute, 30 * minute, *(each * hour for each in hours)]
