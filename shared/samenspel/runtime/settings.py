"""What a service is told by its surroundings: environment variables ``SAMENSPEL_…`` and a directory of secrets."""

import os
import ssl
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from samenspel.contracts.organisations import OPERATOR
from samenspel.contracts.topics import LANES_LOCAL

KAFKA_AGAIN_MS: Final = 250
"""Between two attempts of a client whose broker is away: an instance has several, and it starts sooner unasked."""
LOCAL_ISSUER: Final = "urn:samenspel:local-issuer"


class ServiceSettings(BaseSettings):
    """Every setting of a service. Secrets may also come as files named after the setting."""

    model_config = SettingsConfigDict(env_prefix="SAMENSPEL_", frozen=True, extra="ignore")

    kafka_bootstrap: str
    kafka_security_protocol: Literal["SASL_PLAINTEXT", "SASL_SSL"] = "SASL_SSL"
    kafka_username: str
    kafka_password: SecretStr
    kafka_ca_file: Path | None = Field(default=None, description="The CA that vouches for Kafka")
    postgres_dsn: str = Field(description="Without the password; its sslmode and sslrootcert say how it is encrypted")
    postgres_password: SecretStr
    postgres_connections: int = Field(default=8, ge=3, le=100)
    http_host: str = "127.0.0.1"
    http_port: int = Field(ge=1, le=65_535)
    http_tls_certificate: Path | None = Field(default=None, description="The door's certificate chain, as PEM")
    http_tls_key: Path | None = Field(default=None, description="Its private key; without both the door speaks http")
    lanes: int = Field(default=LANES_LOCAL, ge=1, le=1_000)
    jwks: str = Field(description="Path or https address of the issuer's JSON Web Key Set (RFC 7517)")
    token_issuer: str
    token_audience: str = "samenspel"
    environment: Literal["local", "production"] = "production"
    operator_oin: str = OPERATOR

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if (self.http_tls_certificate is None) != (self.http_tls_key is None):
            raise ValueError("http_tls_certificate and http_tls_key go together")
        if self.environment == "production" and self.token_issuer == LOCAL_ISSUER:
            raise ValueError("the local token issuer serves no production: name your own in token_issuer and jwks")
        if self.environment == "production" and self.kafka_security_protocol != "SASL_SSL":
            raise ValueError("in production Kafka is spoken to over TLS: SASL_SSL")
        return self

    @classmethod
    def read(cls) -> Self:
        """From the environment and, when ``SAMENSPEL_SECRETS_DIR`` is set, from the files in it."""
        sources: dict[str, Any] = {}
        if directory := os.environ.get("SAMENSPEL_SECRETS_DIR"):
            sources = {
                file.name: file.read_text().strip()
                for file in Path(directory).iterdir()
                if file.name in cls.model_fields and file.is_file()
            }
        return cls(**sources)

    def kafka(self) -> dict[str, Any]:
        """Connection settings as aiokafka takes them."""
        return {
            "bootstrap_servers": self.kafka_bootstrap,
            "security_protocol": self.kafka_security_protocol,
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": self.kafka_username,
            "sasl_plain_password": self.kafka_password.get_secret_value(),
            "client_id": f"samenspel-{self.kafka_username}",
            "ssl_context": self.kafka_tls(),
            "retry_backoff_ms": KAFKA_AGAIN_MS,
        }

    def kafka_tls(self) -> ssl.SSLContext | None:
        """Whom to believe that it is Kafka: a certificate by the right CA, for the host's name. None without TLS."""
        if self.kafka_security_protocol != "SASL_SSL":
            return None
        return ssl.create_default_context(cafile=self.kafka_ca_file)
