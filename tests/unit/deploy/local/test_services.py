"""Services of a local system: environment, ports and addresses; readiness of a port where nobody listens."""

from pathlib import Path

import pytest
from samenspel.contracts.topics import Service
from samenspel.runtime.settings import ServiceSettings

from deploy.local.home import Home
from deploy.local.postgres_node.databases import Databases
from deploy.local.secrets import Secrets
from deploy.local.services import ALL, Services, command_of, environment_of, is_implemented


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    with made.locked():
        return made


@pytest.mark.parametrize("service", ALL)
def test_environment_of_a_service_is_complete_and_holds_no_secret(
    home: Home, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = Secrets(home.secrets)
    passwords = [secrets[f"{service}/{name}"] for name in ("kafka_password", "postgres_password")]
    Services(home).claim_ports([service])
    databases = Databases("postgresql://postgres:hidden@127.0.0.1:5432/postgres", secrets)
    environment = environment_of(service, home, "127.0.0.1:9092", databases)
    assert not any(password in text for password in [*passwords, "hidden"] for text in environment.values())
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = ServiceSettings.read()
    assert settings.kafka_password.get_secret_value() == passwords[0]
    assert settings.postgres_dsn == f"postgresql://{service}@127.0.0.1:5432/{service}"


def test_claimed_port_is_kept_and_gives_the_address(home: Home) -> None:
    services = Services(home)
    assert services.urls() == {}
    services.claim_ports(["registry"])
    before = services.urls()
    services.claim_ports(["registry"])
    assert services.urls() == before
    assert before["registry"].startswith("http://127.0.0.1:")


def test_service_that_does_not_run_is_not_ready(home: Home) -> None:
    services = Services(home)
    services.claim_ports(["registry"])
    assert not services.is_ready("registry")
    assert services.daemon("registry").process() is None


def test_every_service_is_started_as_a_module() -> None:
    assert all(is_implemented(service) for service in ALL)
    assert [command_of(service)[-1] for service in ALL] == [f"services.{service}" for service in ALL]
