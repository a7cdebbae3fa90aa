"""Settings of a service: environment variables ``SAMENSPEL_…`` and a directory of secrets."""

import os
import re
import ssl
import sys
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import Field, SecretStr, TypeAdapter, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from samenspel.contracts.catalogue import SUBMISSIONS
from samenspel.contracts.integers import read_integer
from samenspel.contracts.organisations import OPERATOR
from samenspel.contracts.submission_hashes import HashKeys
from samenspel.contracts.topics import LANES_LOCAL, RECEIPT_RETENTION_DAYS
from samenspel.runtime import limits
from samenspel.runtime import settings_mistakes as mistakes
from samenspel.runtime.settings_mistakes import PREFIX, SECRETS, InvalidSettings, Mistake, variable_name

_DURATION: Final = TypeAdapter(Annotated[timedelta, Field(gt=timedelta())])
KAFKA_RETRY_MS: Final = 250
"""Time between two connection attempts of a Kafka client. An instance has several clients, and frequent attempts
slow the start of a broker."""
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]*)(:(?P<port>[0-9]{1,5}))?")
_SSL_MODES: Final = frozenset({"disable", "allow", "prefer", "require", "verify-ca", "verify-full"})
LOCAL_ISSUER: Final = "urn:samenspel:local-issuer"
EXIT_ENVIRONMENT: Final = 3
"""Exit code of a process whose environment is missing or wrong, as of the command ``samenspel``."""


class ServiceSettings(BaseSettings):
    """All settings of a service. A secret may also be a file with the name of the setting."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", enable_decoding=False)

    kafka_bootstrap: str = Field(min_length=1)
    kafka_security_protocol: Literal["SASL_PLAINTEXT", "SASL_SSL"] = "SASL_SSL"
    kafka_username: str = Field(min_length=1)
    kafka_password: SecretStr = Field(min_length=1)
    kafka_ca_file: Path | None = Field(default=None, description="CA certificate of Kafka, as PEM")
    postgres_dsn: str = Field(
        pattern="^postgres(ql)?://",
        description="Without the password; sslmode and sslrootcert set the encryption",
    )
    postgres_password: SecretStr = Field(min_length=1)
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
    jwks: str = Field(
        min_length=1, description="Path or https address of the token issuer's JSON Web Key Set (RFC 7517)"
    )
    token_issuer: str = Field(min_length=1)
    token_audience: str = "samenspel"
    submission_hash_keys: SecretStr = Field(
        default=SecretStr(""),
        description="HMAC keys of submission hashes, separated by white space; the first key is in use",
    )
    environment: Literal["local", "production"] = "production"
    operator_oin: str = Field(default=OPERATOR, pattern=r"^\d{20}$")
    deferral_patience: str = Field(
        default="",
        description="Time that a deferred submission waits, by type, separated by white space: "
        "nl.samenspel.application-decided.v1=P10D; other types wait 5 days",
    )
    receipts_retention: timedelta = Field(
        default=timedelta(days=RECEIPT_RETENTION_DAYS),
        gt=timedelta(),
        description="Age after which published receipts and the details of answers are removed from the database: "
        "retention.ms of the receipts topics, as ISO 8601 duration",
    )
    limit_http_requests: int = limits.HTTP_REQUESTS.field()
    limit_http_submissions: int = limits.HTTP_SUBMISSIONS.field()
    limit_database_percent: int = limits.DATABASE_CONNECTIONS.field()
    limit_deferrals: int = limits.DEFERRED_SUBMISSIONS.field()
    limit_stored_bytes: int = limits.STORED_BYTES.field()

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if found := list(_in_combination(self.__dict__)):
            raise ValueError("; ".join(f"{each.name} {each.text}" for each in found))
        return self

    @field_validator("postgres_dsn")
    @classmethod
    def _valid_dsn(cls, value: str) -> str:
        _require_dsn(value)
        return value

    @field_validator("submission_hash_keys")
    @classmethod
    def _valid_keys(cls, value: SecretStr) -> SecretStr:
        HashKeys.parse(value.get_secret_value())
        return value

    @field_validator("deferral_patience")
    @classmethod
    def _valid_patience(cls, value: str) -> str:
        _patience_in(value)
        return value

    def patience(self) -> dict[str, timedelta]:
        """Time that a deferred submission waits, by submission type."""
        return _patience_in(self.deferral_patience)

    def hash_keys(self) -> HashKeys:
        return HashKeys.parse(self.submission_hash_keys.get_secret_value())

    @classmethod
    def read(cls) -> Self:
        """Settings from the environment, and from the files in the directory ``SAMENSPEL_SECRETS_DIR``, if set.

        A file takes the place of the variable with the same name. Raises `InvalidSettings` with all mistakes.
        """
        fields = list(cls.model_fields)
        secrets, found = mistakes.read_secrets(os.environ.get(SECRETS), fields)
        given: dict[str, Any] = {
            name: value for name in fields if (value := mistakes.known_variable(name)) is not None
        } | secrets
        found += mistakes.unknown_names(os.environ, fields)
        # pydantic checks combinations only when each value is right: here all mistakes are told at once.
        found += _in_combination(cls._defaults() | given)
        found += mistakes.in_files(given)
        try:
            settings = cls(**given)
        except ValidationError as error:
            unread = {each.name for each in found}
            found += [each for each in mistakes.in_values(error) if each.name not in unread]
        if found:
            raise InvalidSettings(found)
        return settings

    @classmethod
    def read_or_exit(cls, service: str) -> Self:
        """As `read`. Mistakes are printed on stderr as a table, without any value, and the process exits with 3."""
        try:
            return cls.read()
        except InvalidSettings as error:
            print(error.table(service), file=sys.stderr)
            sys.exit(EXIT_ENVIRONMENT)

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

    @classmethod
    def _defaults(cls) -> dict[str, Any]:
        return {name: field.default for name, field in cls.model_fields.items() if not field.is_required()}


def _require_dsn(text: str) -> None:
    """Raises `ValueError`, without any part of the text, for an address that asyncpg cannot read."""
    try:
        parts = urlsplit(text)
    except ValueError:
        raise ValueError("is not an address of PostgreSQL") from None
    hosts = parts.netloc.rpartition("@")[2].split(",")
    if not all(map(_has_valid_port, hosts)):
        raise ValueError("must have hosts with a port from 1 to 65,535, or without a port")
    if not {mode for name, mode in parse_qsl(parts.query) if name == "sslmode"} <= _SSL_MODES:
        raise ValueError(f"must have one of these as sslmode: {', '.join(sorted(_SSL_MODES))}")


def _has_valid_port(host: str) -> bool:
    found = _HOST.fullmatch(host)
    try:
        return found is not None and bool(read_integer(found["port"] or "1", 1, 65_535, "port"))
    except ValueError:
        return False


def _patience_in(text: str) -> dict[str, timedelta]:
    """Times by submission type. Raises `ValueError` without any part of the text."""
    found: dict[str, timedelta] = {}
    for number, word in enumerate(text.split(), 1):
        name, _, duration = word.partition("=")
        if name not in SUBMISSIONS:
            raise ValueError(
                f"word {number} must begin with a submission type; `samenspel catalogue` lists the types"
            )
        try:
            found[name] = _DURATION.validate_python(duration)
        except ValidationError:
            raise ValueError(f"word {number} must end with a time above zero, for example =P5D") from None
    return found


def _in_combination(values: Mapping[str, Any]) -> Iterator[Mistake]:
    """Mistakes that several settings make together; ``values`` may be texts that are not validated yet."""
    production = values.get("environment") == "production"
    if bool(values.get("http_tls_certificate")) != bool(values.get("http_tls_key")):
        yield Mistake(
            variable_name("http_tls_key"), f"set both {variable_name('http_tls_certificate')} and this, or neither"
        )
    if production and values.get("token_issuer") == LOCAL_ISSUER:
        text = f"production refuses the local token issuer: set this and {variable_name('jwks')} to another issuer"
        yield Mistake(variable_name("token_issuer"), text)
    if production and values.get("kafka_security_protocol") == "SASL_PLAINTEXT":
        yield Mistake(variable_name("kafka_security_protocol"), "production requires TLS to Kafka: set SASL_SSL")
    if str(values.get("jwks", "")).startswith("http://"):
        yield Mistake(variable_name("jwks"), "an address must start with https://")
