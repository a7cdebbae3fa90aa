"""Settings of the notifier."""

from typing import Final, Self

from pydantic import Field, SecretStr, model_validator
from samenspel.runtime import limits
from samenspel.runtime.settings import ServiceSettings

LOCAL_KEY: Final = "local-systems-keep-their-webhook-secrets-under-this"
MINUTE: Final = 60.0
HOUR: Final = 60 * MINUTE


class Settings(ServiceSettings):
    """Times in seconds. The default retry schedule comes from the Standard Webhooks specification."""

    webhook_key: SecretStr = Field(default=SecretStr(LOCAL_KEY), description="Encrypts the secrets of subscriptions")
    retry_after_seconds: tuple[float, ...] = Field(
        default=(5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR),
        min_length=1,
        description="Delay of an event after the first, second, … failed attempt; the last delay repeats",
    )
    pause_seconds: tuple[float, ...] = Field(
        default=(1, 5, 30, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE),
        min_length=1,
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

    @model_validator(mode="after")
    def _sealed(self) -> Self:
        if self.environment == "production" and self.webhook_key.get_secret_value() == LOCAL_KEY:
            raise ValueError("production refuses the default webhook_key: set a secret value")
        return self
