"""What a service is told by its surroundings: environment variables ``SAMENSPEL_…`` and a directory of secrets."""

import os
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from samenspel.contracts.topics import LANES_LOCAL


class ServiceSettings(BaseSettings):
    """Every setting of a service. Secrets may also come as files named after the setting."""

    model_config = SettingsConfigDict(env_prefix="SAMENSPEL_", frozen=True, extra="ignore")

    kafka_bootstrap: str
    kafka_security_protocol: Literal["SASL_PLAINTEXT", "SASL_SSL"] = "SASL_SSL"
    kafka_username: str
    kafka_password: SecretStr
    kafka_ca_file: Path | None = None
    postgres_dsn: str = Field(description="Without the password")
    postgres_password: SecretStr
    postgres_connections: int = Field(default=8, ge=3, le=100)
    http_host: str = "127.0.0.1"
    http_port: int = Field(ge=1, le=65_535)
    lanes: int = Field(default=LANES_LOCAL, ge=1, le=1_000)
    jwks: str = Field(description="Path or https address of the issuer's JSON Web Key Set (RFC 7517)")
    token_issuer: str
    token_audience: str = "samenspel"
    environment: Literal["local", "production"] = "local"
    operator_oin: str = "00000099000000000001"

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
        }

    def librdkafka(self) -> dict[str, Any]:
        """The same as librdkafka takes them."""
        settings = {
            "bootstrap.servers": self.kafka_bootstrap,
            "security.protocol": self.kafka_security_protocol,
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": self.kafka_username,
            "sasl.password": self.kafka_password.get_secret_value(),
        }
        if self.kafka_ca_file:
            settings["ssl.ca.location"] = str(self.kafka_ca_file)
        return settings
