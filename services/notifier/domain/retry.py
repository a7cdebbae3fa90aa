"""Retry policy: classification of a webhook response, and the delay before the next attempt."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

JITTER: Final = 0.2
"""Maximum random extension of a delay, as a fraction, so that simultaneous failures are not retried together."""


GONE: Final = 410


UNAVAILABLE: Final = (429, 502, 503, 504)
"""Status codes that concern the receiver, not the event."""


RETRY_AFTER_SECONDS_MAX: Final = 3_600.0


@dataclass(frozen=True, slots=True)
class ResponseClass:
    """Meaning of a response for the event and for the receiver.

    ``retry_after`` is in seconds; None if the receiver sent no ``Retry-After``.
    """

    delivered: bool
    error: str | None = None
    unavailable: bool = False
    gone: bool = False
    retry_after: float | None = None


def classify_response(status: int, retry_after: str | None) -> ResponseClass:
    """Standard Webhooks: 2xx is success, any other status is failure, including redirects; 410 ends all attempts."""
    if 200 <= status < 300:
        return ResponseClass(delivered=True)
    unavailable = status in UNAVAILABLE
    return ResponseClass(
        delivered=False,
        error=f"HTTP {status}",
        unavailable=unavailable,
        gone=status == GONE,
        retry_after=_seconds(retry_after) if unavailable else None,
    )


def retry_delay(schedule: Sequence[float], times: int, chance: float) -> float:
    """Seconds to wait after ``times`` consecutive failures; ``chance`` in [0, 1) is the random part.

    The last step of the schedule repeats: an event is never dropped.
    """
    return schedule[min(times, len(schedule)) - 1] * (1 + JITTER * chance)


def _seconds(retry_after: str | None) -> float | None:
    """``Retry-After`` in seconds (RFC 9110 §10.2.3). A date is ignored: Standard Webhooks uses seconds."""
    if retry_after is None or not retry_after.strip().isdecimal():
        return None
    return min(float(retry_after), RETRY_AFTER_SECONDS_MAX)
