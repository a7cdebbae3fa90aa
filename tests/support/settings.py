"""Settings of a service, complete and valid."""

from samenspel.client.access.profile import KafkaAccess
from samenspel.runtime.settings import ServiceSettings


def settings_of(access: KafkaAccess, **changes: object) -> ServiceSettings:
    values: dict[str, object] = {
        "kafka_bootstrap": access.bootstrap,
        "kafka_security_protocol": access.security_protocol,
        "kafka_username": "registry",
        "kafka_password": "guess",
        "kafka_ca_file": access.ca_file,
        "postgres_dsn": "postgresql://registry@localhost/registry",
        "postgres_password": "guess",
        "http_port": 8080,
        "jwks": "/nowhere",
        "token_issuer": "https://issuer.example",
        "environment": "local",
    }
    return ServiceSettings(**{**values, **changes})  # type: ignore[arg-type]  # that is what it validates
