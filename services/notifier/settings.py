"""Settings of the notifier."""

import json
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, SecretStr
from samenspel.runtime import limits
from samenspel.runtime.settings import ServiceSettings

KEY_CHARS_MIN: Final = 16
MINUTE: Final = 60.0
HOUR: Final = 60 * MINUTE


def _from_json(value: Any) -> Any:
    """The value of a variable: a JSON array. Raises ValueError without the value, which may be a misplaced secret."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        raise ValueError("must be a JSON array of numbers, such as [5, 300]") from None


Seconds = Annotated[
    tuple[Annotated[float, Field(ge=0, allow_inf_nan=False)], ...], Field(min_length=1), BeforeValidator(_from_json)
]


class Settings(ServiceSettings):
    """Times in seconds. The default retry schedule comes from the Standard Webhooks specification."""

    webhook_key: SecretStr = Field(
        min_length=KEY_CHARS_MIN, description="Encrypts the secrets of subscriptions; random, and in every backup"
    )
    retry_after_seconds: Seconds = Field(
        default=(5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR),
        description="Delay of an event after the first, second, … failed attempt; the last delay repeats",
    )
    pause_seconds: Seconds = Field(
        default=(1, 5, 30, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE),
        description="Delay of an unreachable or unavailable receiver after consecutive failures; the last repeats",
    )
    attempt_seconds: float = Field(default=15, gt=0, le=30, description="Timeout of one attempt")
    attempts_at_once: int = Field(
        default=32, ge=1, le=200, description="Concurrent attempts per subscription and instance"
    )
    deliveries_at_once: int = Field(
        default=512, ge=1, le=1_000, description="Concurrent attempts of all subscriptions per instance"
    )
    limit_streams: int = limits.OPEN_STREAMS.field()
    limit_stream_seconds: int = limits.STREAM_SECONDS.field()
    limit_subscriptions: int = limits.SUBSCRIPTIONS.field()
    limit_endpoint_subscriptions: int = limits.ENDPOINT_SUBSCRIPTIONS.field()
    limit_deliveries: int = limits.DELIVERIES.field()
    limit_pending_deliveries: int = limits.PENDING_DELIVERIES.field()
