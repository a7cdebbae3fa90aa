"""What follows from an attempt to deliver."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

JITTER: Final = 0.2
"""A wait is lengthened by at most this part of itself, so that what failed together does not come back together."""


GONE: Final = 410


UNAVAILABLE: Final = (429, 502, 503, 504)
"""Answers that speak of the receiver, not of the event."""


RETRY_AFTER_SECONDS_MAX: Final = 3_600.0


@dataclass(frozen=True, slots=True)
class ResponseClass:
    """What an attempt says: of the event, and of the receiver.

    ``retry_after`` is in seconds, and only there when the receiver named it.
    """

    delivered: bool
    error: str | None = None
    unavailable: bool = False
    gone: bool = False
    retry_after: float | None = None


def classify_response(status: int, retry_after: str | None) -> ResponseClass:
    """Standard Webhooks: 2xx is success, all else failure, redirects too; 410 means never again."""
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
    """Seconds to wait after having failed ``times`` times in a row; ``chance`` in [0, 1) spreads them.

    The last step of the schedule repeats: nothing is ever dropped.
    """
    return schedule[min(times, len(schedule)) - 1] * (1 + JITTER * chance)


def _seconds(retry_after: str | None) -> float | None:
    """``Retry-After`` in seconds (RFC 9110 §10.2.3); a date is not asked of webhooks, and read as nothing."""
    if retry_after is None or not retry_after.strip().isdecimal():
        return None
    return min(float(retry_after), RETRY_AFTER_SECONDS_MAX)
