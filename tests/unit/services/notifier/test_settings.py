"""Settings of the notifier: a separate webhook key, everywhere."""

from typing import Any

import pytest
from pydantic import ValidationError

from services.notifier.settings import Settings

VALUES: dict[str, Any] = {
    "kafka_bootstrap": "kafka.example:9095",
    "kafka_username": "notifier",
    "kafka_password": "guess",
    "postgres_dsn": "postgresql://notifier@localhost/notifier",
    "postgres_password": "guess",
    "http_port": 8080,
    "jwks": "/nowhere",
    "token_issuer": "https://issuer.example",
}


@pytest.mark.parametrize("environment", ["production", "local"])
@pytest.mark.parametrize("changes", [{}, {"webhook_key": "too short"}])
def test_notifier_without_a_webhook_key_of_its_own_does_not_start(environment: str, changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="webhook_key"):
        Settings(**VALUES, environment=environment, **changes)


def test_notifier_with_a_key_of_its_own_starts() -> None:
    assert Settings(**VALUES, webhook_key="0123456789abcdef").attempts_at_once == 32


def test_times_are_read_from_json() -> None:
    settings = Settings(**VALUES, webhook_key="0123456789abcdef", pause_seconds="[0.5, 2]")
    assert settings.pause_seconds == (0.5, 2)
    for wrong in ("5", "[]", "[-1]", "[NaN]", "five", '["a"]', "[" * 100_000):
        with pytest.raises(ValidationError, match="pause_seconds"):
            Settings(**VALUES, webhook_key="0123456789abcdef", pause_seconds=wrong)
