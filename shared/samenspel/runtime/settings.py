"""Settings of a service: environment variables ``SAMENSPEL_…`` and a directory of secrets."""

import os
import ssl
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from samenspel.contracts.organisations import OPERATOR
from samenspel.contracts.topics import LANES_LOCAL

KAFKA_RETRY_MS: Final = 250
"""Time between two connection attempts of a Kafka client. An instance has several clients, and frequent attempts
slow the start of a broker."""
LOCAL_ISSUER: Final = "urn:samenspel:local-issuer"


class ServiceSettings(BaseSettings):
    """All settings of a service. A secret may also be a file with the name of the setting."""

    model_config = SettingsConfigDict(env_prefix="SAMENSPEL_", frozen=True, extra="ignore")

    kafka_bootstrap: str
    kafka_security_protocol: Literal["SASL_PLAINTEXT", "SASL_SSL"] = "SASL_SSL"
    kafka_username: str
    kafka_password: SecretStr
    kafka_ca_file: Path | None = Field(default=None, description="CA certificate of Kafka, as PEM")
    postgres_dsn: str = Field(description="Without the password; sslmode and sslrootcert set the encryption")
    postgres_password: SecretStr
    postgres_connections: int = Field(default=8, ge=3, le=100)
    http_host: str = "127.0.0.1"
    http_port: int = Field(ge=1, le=65_535)
    http_tls_certificate: Path | None = Field(
        default=None, description="Certificate chain of the HTTP server, as PEM"
    )
    http_tls_key: Path | None = Field(
        default=None, description="Private key, as PEM; without certificate and key: http"
    )
    lanes: int = Field(default=LANES_LOCAL, ge=1, le=1_000)
    jwks: str = Field(description="Path or https address of the token issuer's JSON Web Key Set (RFC 7517)")
    token_issuer: str
    token_audience: str = "samenspel"
    environment: Literal["local", "production"] = "production"
    operator_oin: str = OPERATOR

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if (self.http_tls_certificate is None) != (self.http_tls_key is None):
            raise ValueError("set both http_tls_certificate and http_tls_key, or neither")
        if self.environment == "production" and self.token_issuer == LOCAL_ISSUER:
            raise ValueError("production refuses the local token issuer: set token_issuer and jwks to another issuer")
        if self.environment == "production" and self.kafka_security_protocol != "SASL_SSL":
            raise ValueError("production requires TLS to Kafka: set kafka_security_protocol to SASL_SSL")
        return self

    @classmethod
    def read(cls) -> Self:
        """Settings from the environment, and from the files in the directory ``SAMENSPEL_SECRETS_DIR``, if set."""
        sources: dict[str, Any] = {}
        if directory := os.environ.get("SAMENSPEL_SECRETS_DIR"):
            sources = {
                file.name: file.read_text().strip()
                for file in Path(directory).iterdir()
                if file.name in cls.model_fields and file.is_file()
            }
        return cls(**sources)

    def kafka(self) -> dict[str, Any]:
        """Connection settings for aiokafka."""
        return {
            "bootstrap_servers": self.kafka_bootstrap,
            "security_protocol": self.kafka_security_protocol,
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": self.kafka_username,
            "sasl_plain_password": self.kafka_password.get_secret_value(),
            "client_id": f"samenspel-{self.kafka_username}",
            "ssl_context": self.kafka_tls(),
            "retry_backoff_ms": KAFKA_RETRY_MS,
        }

    def kafka_tls(self) -> ssl.SSLContext | None:
        """TLS context that verifies Kafka's certificate against the CA and the host name. None without TLS."""
        if self.kafka_security_protocol != "SASL_SSL":
            return None
        return ssl.create_default_context(cafile=self.kafka_ca_file)
