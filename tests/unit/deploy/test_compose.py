"""Preparation of `docker-compose.yml`: secrets made once, Kafka's settings for containers and host."""

from pathlib import Path

from deploy.compose import HOST_BOOTSTRAP, create_keys, format_arguments, kafka_settings
from deploy.local.secrets import Secrets


def contents(state: Path) -> dict[str, str]:
    return {str(file.relative_to(state)): file.read_text() for file in state.rglob("*") if file.is_file()}


def test_keys_are_made_once_and_each_server_gets_its_own(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    create_keys(tmp_path)
    first = contents(tmp_path)
    assert {"postgres/password", "kafka/server.properties", "kafka/format"} <= set(first)
    assert first["postgres/password"] == first["secrets/postgres_admin"]
    for service in ("registry", "funding", "notifier"):
        assert {f"secrets/{service}/kafka_password", f"secrets/{service}/postgres_password"} <= set(first)
    create_keys(tmp_path)
    assert contents(tmp_path) == first


def test_containers_and_host_use_listeners_of_their_own(tmp_path: Path) -> None:
    values = kafka_settings(Secrets(tmp_path))
    assert values["advertised.listeners"].split(",") == ["BROKER://kafka:9092", f"HOST://{HOST_BOOTSTRAP}"]
    assert "HOST:SASL_PLAINTEXT" in values["listener.security.protocol.map"]
    broker, host = (values[f"listener.name.{name}.scram-sha-512.sasl.jaas.config"] for name in ("broker", "host"))
    assert broker == host
    assert "127.0.0.1:9093" in values["controller.quorum.voters"]


def test_formatting_takes_the_password_from_a_file_and_a_new_cluster_id(tmp_path: Path) -> None:
    one, other = format_arguments(Secrets(tmp_path)), format_arguments(Secrets(tmp_path))
    assert one[0] == "format"
    assert one[2] != other[2]
    assert not one[2].startswith("-")
    assert Secrets(tmp_path)["kafka_admin"] in one[-1]
