"""Mistakes in the settings: all at once, with the names of variables and files, and never a value."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from samenspel.runtime.settings import EXIT_ENVIRONMENT, ServiceSettings
from samenspel.runtime.settings_mistakes import InvalidSettings

from services.notifier.settings import Settings as NotifierSettings

SECRET = "zeer-geheim-97531"
COMPLETE = {
    "KAFKA_BOOTSTRAP": "kafka.example:9095",
    "KAFKA_USERNAME": "registry",
    "KAFKA_PASSWORD": SECRET,
    "POSTGRES_DSN": "postgresql://registry@postgres.example/registry",
    "POSTGRES_PASSWORD": SECRET,
    "HTTP_PORT": "8080",
    "JWKS": "https://issuer.example/jwks",
    "TOKEN_ISSUER": "https://issuer.example",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Complete settings, and nothing else of ours."""
    for name in [name for name in os.environ if name.upper().startswith("SAMENSPEL_")]:
        monkeypatch.delenv(name)
    for name, value in COMPLETE.items():
        monkeypatch.setenv(f"SAMENSPEL_{name}", value)
    yield monkeypatch


def mistakes(settings: type[ServiceSettings] = ServiceSettings) -> dict[str, str]:
    with pytest.raises(InvalidSettings) as caught:
        settings.read()
    assert SECRET not in str(caught.value) + caught.value.table("registry") + repr(caught.value)
    return {each.name.removeprefix("SAMENSPEL_"): each.text for each in caught.value.mistakes}


def test_complete_settings_are_read() -> None:
    settings = ServiceSettings.read()
    assert settings.http_port == 8080
    assert settings.kafka_password.get_secret_value() == SECRET
    assert SECRET not in repr(settings)


def test_all_missing_settings_are_told_at_once(environment: pytest.MonkeyPatch) -> None:
    for name in COMPLETE:
        environment.delenv(f"SAMENSPEL_{name}")
    assert mistakes() == dict.fromkeys(COMPLETE, "is missing")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("HTTP_PORT", "must be a whole number"),
        ("POSTGRES_CONNECTIONS", "must be a whole number"),
        ("KAFKA_SECURITY_PROTOCOL", "must be 'SASL_PLAINTEXT' or 'SASL_SSL'"),
        ("ENVIRONMENT", "must be 'local' or 'production'"),
        ("POSTGRES_DSN", "must match"),
        ("OPERATOR_OIN", "must match"),
        ("KAFKA_CA_FILE", "cannot be used: no such file or directory"),
        ("RETRY_AFTER_SECONDS", "must be a JSON array of numbers"),
        ("ATTEMPT_SECONDS", "must be a number"),
    ],
)
def test_a_secret_in_the_wrong_place_is_not_shown(environment: pytest.MonkeyPatch, name: str, text: str) -> None:
    environment.setenv("SAMENSPEL_WEBHOOK_KEY", SECRET)
    environment.setenv(f"SAMENSPEL_{name}", SECRET)
    found = mistakes(NotifierSettings)
    assert set(found) == {name}
    assert found[name].startswith(text)


def test_a_misspelt_name_is_a_mistake_with_the_right_name(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("SAMENSPEL_KAFKA_PASSWORD")
    environment.setenv("SAMENSPEL_KAFKA_PASWORD", SECRET)
    environment.setenv("Samenspel_Lane", "12")
    found = mistakes()
    assert found["KAFKA_PASSWORD"] == "is missing"
    assert found["KAFKA_PASWORD"].endswith("did you mean SAMENSPEL_KAFKA_PASSWORD?")
    assert found["Samenspel_Lane"].endswith("did you mean SAMENSPEL_LANES?")


def test_a_setting_of_another_service_is_a_mistake(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SAMENSPEL_WEBHOOK_KEY", SECRET)
    assert set(mistakes()) == {"WEBHOOK_KEY"}


def test_variables_of_a_shell_and_of_kubernetes_are_no_settings(environment: pytest.MonkeyPatch) -> None:
    """Kubernetes sets these in every container for a Service that is called *samenspel-registry*."""
    for name, value in {
        "HOME": "elsewhere",
        "PROFILE": "elsewhere/profile",
        "AS": "Gemeente Utrecht",
        "REGISTRY_SERVICE_HOST": "10.0.0.1",
        "REGISTRY_SERVICE_PORT": "8080",
        "REGISTRY_SERVICE_PORT_HTTP": "8080",
        "REGISTRY_PORT": "tcp://10.0.0.1:8080",
        "REGISTRY_PORT_8080_TCP": "tcp://10.0.0.1:8080",
        "REGISTRY_PORT_8080_TCP_ADDR": "10.0.0.1",
    }.items():
        environment.setenv(f"SAMENSPEL_{name}", value)
    ServiceSettings.read()


def test_mistakes_of_several_settings_together_do_not_wait_for_the_others(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SAMENSPEL_HTTP_PORT", "none")
    environment.setenv("SAMENSPEL_TOKEN_ISSUER", "urn:samenspel:local-issuer")
    environment.setenv("SAMENSPEL_KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT")
    environment.setenv("SAMENSPEL_HTTP_TLS_KEY", "/run/key.pem")
    environment.setenv("SAMENSPEL_JWKS", "http://issuer.example/jwks")
    assert set(mistakes()) == {"HTTP_PORT", "TOKEN_ISSUER", "KAFKA_SECURITY_PROTOCOL", "HTTP_TLS_KEY", "JWKS"}


@pytest.fixture
def secrets(environment: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A directory with the secrets of a service, as a container has it."""
    for name in ("KAFKA_PASSWORD", "POSTGRES_PASSWORD"):
        environment.delenv(f"SAMENSPEL_{name}")
        (tmp_path / name.lower()).write_text(f"{SECRET}\n")
    (tmp_path / "jwks.json").write_text("{}")
    (tmp_path / "..data").mkdir()
    environment.setenv("SAMENSPEL_SECRETS_DIR", str(tmp_path))
    return tmp_path


def test_secrets_are_read_from_files(secrets: Path) -> None:
    assert ServiceSettings.read().postgres_password.get_secret_value() == SECRET


def test_a_secret_that_cannot_be_read_is_told(secrets: Path) -> None:
    (secrets / "kafka_password").unlink()
    (secrets / "kafka_password").mkdir()
    (secrets / "postgres_password").write_bytes(b"\xff" + SECRET.encode())
    found = mistakes()
    assert found["KAFKA_PASSWORD"].endswith("cannot be read: is a directory")
    assert found["POSTGRES_PASSWORD"].endswith("cannot be read: it is not UTF-8")


@pytest.mark.parametrize("name", ["kafka_password", "webhook_key"])
def test_a_secret_without_end_is_told_and_not_waited_for(
    secrets: Path, environment: pytest.MonkeyPatch, name: str
) -> None:
    (secrets / name).unlink(missing_ok=True)
    os.mkfifo(secrets / name)
    assert mistakes(NotifierSettings)[name.upper()].endswith("cannot be read: it is a pipe, a device or a socket")


@pytest.mark.parametrize("name", ["KAFKA_CA_FILE", "HTTP_TLS_CERTIFICATE", "HTTP_TLS_KEY"])
def test_a_certificate_without_end_is_told_and_not_waited_for(
    environment: pytest.MonkeyPatch, name: str, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    for other in ("HTTP_TLS_CERTIFICATE", "HTTP_TLS_KEY") if "TLS" in name else ():
        environment.setenv(f"SAMENSPEL_{other}", str(tmp_path / "absent"))
    environment.setenv(f"SAMENSPEL_{name}", str(tmp_path / "pipe"))
    assert mistakes() == {name: "cannot be used: it is a pipe, a device or a socket"}


@pytest.mark.parametrize(
    ("dsn", "text"),
    [
        (f"postgresql://registry@postgres.example:{SECRET}/registry", "must have hosts with a port"),
        (f"postgresql://registry:{SECRET}@postgres.example:99999/registry", "must have hosts with a port"),
        (f"postgresql://registry@a:5432,b:{SECRET}/registry", "must have hosts with a port"),
        (f"postgresql://registry@a:0/{SECRET}", "must have hosts with a port"),
        (f"postgresql://[{SECRET}/registry", "is not an address of PostgreSQL"),
        (f"postgresql://registry@a/registry?sslmode={SECRET}", "must have one of these as sslmode"),
    ],
)
def test_an_address_of_postgresql_that_cannot_be_read_ends_the_start(
    environment: pytest.MonkeyPatch, dsn: str, text: str
) -> None:
    environment.setenv("SAMENSPEL_POSTGRES_DSN", dsn)
    [(name, told)] = mistakes().items()
    assert (name, told[: len(text)]) == ("POSTGRES_DSN", text)


@pytest.mark.parametrize(
    "dsn",
    [
        "postgres://registry@a:5432,b/registry?sslmode=verify-full&sslrootcert=/ca.pem",
        "postgresql://registry@[2001:db8::1]:5432/registry",
        "postgresql://registry@/registry?host=/run/postgresql",
    ],
)
def test_an_address_of_postgresql_has_every_form_of_libpq(environment: pytest.MonkeyPatch, dsn: str) -> None:
    environment.setenv("SAMENSPEL_POSTGRES_DSN", dsn)
    assert ServiceSettings.read().postgres_dsn == dsn


def test_a_misspelt_secret_is_told(secrets: Path) -> None:
    (secrets / "kafka_password").rename(secrets / "kafka_pasword")
    found = mistakes()
    assert found["KAFKA_PASSWORD"] == "is missing"
    assert found["file kafka_pasword in SAMENSPEL_SECRETS_DIR"].endswith("did you mean kafka_password?")


def test_an_empty_secret_is_told(secrets: Path) -> None:
    (secrets / "kafka_password").write_text("\n")
    assert mistakes() == {"KAFKA_PASSWORD": "must have at least 1 value(s)"}


def test_a_directory_that_is_not_there_is_told(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.setenv("SAMENSPEL_SECRETS_DIR", str(tmp_path / "absent"))
    assert mistakes() == {"SECRETS_DIR": "cannot be read: no such file or directory"}


def test_the_process_ends_with_a_table(environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    environment.delenv("SAMENSPEL_JWKS")
    environment.setenv("SAMENSPEL_LANES", SECRET)
    with pytest.raises(SystemExit) as ended:
        ServiceSettings.read_or_exit("registry")
    assert ended.value.code == EXIT_ENVIRONMENT
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == [
        "registry cannot start, the settings have 2 mistake(s):",
        "  SAMENSPEL_JWKS   is missing",
        "  SAMENSPEL_LANES  must be a whole number",
    ]


def test_the_webhook_key_has_no_default(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SAMENSPEL_ENVIRONMENT", "local")
    assert mistakes(NotifierSettings) == {"WEBHOOK_KEY": "is missing"}
    environment.setenv("SAMENSPEL_WEBHOOK_KEY", "short")
    assert set(mistakes(NotifierSettings)) == {"WEBHOOK_KEY"}
