"""Settings of a service in production: TLS everywhere, and no local issuer."""

from datetime import timedelta

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
        ({"http_tls_key": "/run/registry.key"}, "set both"),
        ({"kafka_security_protocol": "PLAINTEXT"}, "SASL_PLAINTEXT"),
    ],
)
def test_production_with_weaker_settings_does_not_start(changes: dict[str, object], reason: str) -> None:
    access = KafkaAccess(bootstrap="kafka.example:9095", security_protocol="SASL_SSL")
    with pytest.raises(ValidationError, match=reason):
        settings_of(access, environment="production", **changes)


def test_environment_of_a_service_is_production_by_default() -> None:
    assert ServiceSettings.model_fields["environment"].default == "production"


def test_patience_is_read_by_type() -> None:
    access = KafkaAccess(bootstrap="kafka.example:9095", security_protocol="SASL_SSL")
    text = "nl.samenspel.application-decided.v1=P10D nl.samenspel.programme-opened.v1=PT12H"
    assert settings_of(access, deferral_patience=text).patience() == {
        "nl.samenspel.application-decided.v1": timedelta(days=10),
        "nl.samenspel.programme-opened.v1": timedelta(hours=12),
    }
    assert settings_of(access).patience() == {}


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("nl.samenspel.secret.v1=P10D", "must begin with a submission type"),
        ("nl.samenspel.programme-opened.v1", "must end with a time above zero"),
        ("nl.samenspel.programme-opened.v1=secret", "must end with a time above zero"),
        ("nl.samenspel.programme-opened.v1=PT0S", "must end with a time above zero"),
    ],
)
def test_patience_of_an_unknown_type_or_time_is_a_mistake_without_the_value(word: str, reason: str) -> None:
    access = KafkaAccess(bootstrap="kafka.example:9095", security_protocol="SASL_SSL")
    with pytest.raises(ValidationError, match=f"word 2 {reason}") as raised:
        settings_of(access, deferral_patience=f"nl.samenspel.application-decided.v1=P1D {word}")
    assert "secret" not in str(raised.value.errors()[0]["msg"])
