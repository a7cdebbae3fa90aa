"""Classification of a receiver's response, and the retry schedule."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.domain.retry import RETRY_AFTER_SECONDS_MAX, classify_response, retry_delay
from services.notifier.settings import Settings

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SCHEDULE = Settings.model_fields["retry_after_seconds"].default


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_status_2xx_is_success(status: int) -> None:
    assert classify_response(status, None, NOW).delivered


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 401, 404, 410, 500, 503])
def test_status_outside_2xx_is_failure(status: int) -> None:
    assert not classify_response(status, None, NOW).delivered


def test_status_410_is_permanent_and_503_temporary() -> None:
    assert classify_response(410, None, NOW).gone and not classify_response(410, None, NOW).unavailable
    assert classify_response(503, None, NOW).unavailable and not classify_response(503, None, NOW).gone
    assert not classify_response(500, None, NOW).unavailable


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("9999999", RETRY_AFTER_SECONDS_MAX),
        ("9" * 5_000, RETRY_AFTER_SECONDS_MAX),
        ("soon", None),
        ("-1", None),
        ("٣", None),
        ("", None),
        (None, None),
        ("Tue, 24 Nov 2026 12:02:00 GMT", 120.0),
        ("Tuesday, 24-Nov-26 12:02:00 GMT", 120.0),
        ("Tue Nov 24 12:02:00 2026", 120.0),
        ("Tue, 24 Nov 2026 13:02:00 +0100", 120.0),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0.0),
        ("Wed, 25 Nov 2026 12:00:00 GMT", RETRY_AFTER_SECONDS_MAX),
        ("Tue, 32 Nov 2026 12:02:00 GMT", None),
    ],
)
def test_retry_after_is_respected_within_bounds(text: str | None, seconds: float | None) -> None:
    assert classify_response(429, text, NOW).retry_after == seconds
    assert classify_response(500, text, NOW).retry_after is None


@given(st.text())
def test_any_header_of_a_receiver_is_read_or_ignored(text: str) -> None:
    seconds = classify_response(503, text, NOW).retry_after
    assert seconds is None or 0 <= seconds <= RETRY_AFTER_SECONDS_MAX


@given(st.integers(1, 1_000), st.floats(0, 1, exclude_max=True))
def test_retry_delays_follow_the_schedule_and_repeat_its_last_step(times: int, chance: float) -> None:
    step = SCHEDULE[min(times, len(SCHEDULE)) - 1]
    assert step <= retry_delay(SCHEDULE, times, chance) <= step * 1.2


def test_retry_schedule_equals_that_of_standard_webhooks() -> None:
    minute, hour = 60, 3_600
    hours = [2, 5, 10, 14, 20, 24]
    assert list(SCHEDULE) == [5, 5 * minute, 30 * minute, *(each * hour for each in hours)]
