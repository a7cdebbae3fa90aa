"""Settings of a service in production: TLS everywhere, and no local issuer."""

import pytest
from pydantic import ValidationError
from samenspel.client.access.local_issuer import ISSUER
from samenspel.client.access.profile import KafkaAccess
from samenspel.runtime.settings import ServiceSettings

from tests.support.settings import settings_of


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"kafka_security_protocol": "SASL_PLAINTEXT"}, "TLS to Kafka"),
        ({"token_issuer": ISSUER}, "refuses the local token issuer"),
        ({"http_tls_key": "/run/door.key"}, "set both"),
        ({"kafka_security_protocol": "PLAINTEXT"}, "SASL_PLAINTEXT"),
    ],
)
def test_production_with_weaker_settings_does_not_start(changes: dict[str, object], reason: str) -> None:
    access = KafkaAccess(bootstrap="kafka.example:9095", security_protocol="SASL_SSL")
    with pytest.raises(ValidationError, match=reason):
        settings_of(access, environment="production", **changes)


def test_environment_of_a_service_is_production_by_default() -> None:
    assert ServiceSettings.model_fields["environment"].default == "production"
