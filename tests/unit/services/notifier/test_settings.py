"""Settings of the notifier: production requires a separate webhook key."""

from typing import Any

import pytest
from pydantic import ValidationError

from services.notifier.settings import LOCAL_KEY, Settings

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


@pytest.mark.parametrize("changes", [{}, {"webhook_key": LOCAL_KEY}])
def test_production_without_a_webhook_key_of_its_own_does_not_start(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="webhook_key"):
        Settings(**VALUES, environment="production", **changes)


def test_production_with_its_own_key_and_a_local_system_start() -> None:
    assert Settings(**VALUES, environment="production", webhook_key="its own").environment == "production"
    assert Settings(**VALUES, environment="local", kafka_security_protocol="SASL_PLAINTEXT").attempts_at_once == 32
