"""Retry policy: classification of a webhook response, and the delay before the next attempt."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

JITTER: Final = 0.2
"""Maximum random extension of a delay, as a fraction, so that simultaneous failures are not retried together."""


GONE: Final = 410


UNAVAILABLE: Final = (429, 502, 503, 504)
"""Status codes that concern the receiver, not the event."""


RETRY_AFTER_SECONDS_MAX: Final = 3_600.0
_DIGITS_MAX: Final = 12


@dataclass(frozen=True, slots=True)
class ResponseClass:
    """Meaning of a response for the event and for the receiver.

    ``retry_after`` is in seconds; None if the receiver sent no ``Retry-After``. ``own_fault``: the notifier could not
    send, so that nothing is known about the receiver.
    """

    delivered: bool
    error: str | None = None
    unavailable: bool = False
    gone: bool = False
    retry_after: float | None = None
    own_fault: bool = False


OWN_FAULT: Final = ResponseClass(delivered=False, own_fault=True)


def classify_response(status: int, retry_after: str | None, now: datetime) -> ResponseClass:
    """Standard Webhooks: 2xx is success, any other status is failure, including redirects; 410 ends all attempts.

    ``now`` is the time of the response in UTC.
    """
    if 200 <= status < 300:
        return ResponseClass(delivered=True)
    unavailable = status in UNAVAILABLE
    return ResponseClass(
        delivered=False,
        error=f"HTTP {status}",
        unavailable=unavailable,
        gone=status == GONE,
        retry_after=_seconds(retry_after, now) if unavailable and retry_after else None,
    )


def retry_delay(schedule: Sequence[float], times: int, chance: float) -> float:
    """Seconds to wait after ``times`` consecutive failures; ``chance`` in [0, 1) is the random part.

    The last step of the schedule repeats: an event is never dropped.
    """
    return schedule[min(times, len(schedule)) - 1] * (1 + JITTER * chance)


def _seconds(retry_after: str, now: datetime) -> float | None:
    """``Retry-After`` in seconds from ``now``: a number or an HTTP date (RFC 9110 §10.2.3). None if it is neither."""
    text = retry_after.strip()
    if text.isascii() and text.isdecimal():
        return min(float(text[:_DIGITS_MAX]), RETRY_AFTER_SECONDS_MAX)
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    # The obsolete asctime form (RFC 9110 §5.6.7) names no zone; every HTTP date is in UTC.
    seconds = (date.replace(tzinfo=date.tzinfo or UTC) - now).total_seconds()
    return min(max(seconds, 0.0), RETRY_AFTER_SECONDS_MAX)
