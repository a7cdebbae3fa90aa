"""The status of a local system, also as variables of a shell."""

from pathlib import Path

import pytest
from samenspel.client.access.profile import Credential, KafkaAccess, System

from deploy.local.cli.status import SystemStatus, environment, read_status
from deploy.local.errors import LocalSystemError
from deploy.local.system import LocalSystem

OIN = "00000099000000000344"
KAFKA = KafkaAccess(bootstrap="127.0.0.1:9092", security_protocol="SASL_PLAINTEXT")
UTRECHT = Credential(name="Gemeente Utrecht", oin=OIN, username="user", password="secret", token="token")


def test_home_where_nothing_was_started_has_no_status(tmp_path: Path) -> None:
    with pytest.raises(LocalSystemError, match="samenspel up"):
        read_status(LocalSystem(tmp_path / "home"))


def test_stopped_system_is_not_ready_and_keeps_its_addresses(tmp_path: Path) -> None:
    system = LocalSystem(tmp_path / "home")
    with system.home.locked():
        system.ports.claim("kafka")
        system.services.claim_ports(["registry", "funding", "notifier"])
    system.profile.save_system(System(kafka=KAFKA, http=system.services.urls()))
    system.profile.save(UTRECHT)
    status = read_status(system)
    assert not status.ready
    assert {one.name: one.pid for one in (*status.servers, *status.services)} == {
        "kafka": None,
        "registry": None,
        "funding": None,
        "notifier": None,
    }
    assert status.http == system.services.urls()
    assert [one.oin for one in status.organisations] == [OIN]


def test_variables_of_a_shell_name_every_address_and_credential() -> None:
    status = SystemStatus(
        home="/home",
        ready=True,
        kafka=KAFKA,
        http={"registry": "http://127.0.0.1:1"},
        servers=[],
        services=[],
        organisations=[UTRECHT],
    )
    assert dict(environment(status)) == {
        "SAMENSPEL_HOME": "/home",
        "SAMENSPEL_KAFKA_BOOTSTRAP": "127.0.0.1:9092",
        "SAMENSPEL_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "SAMENSPEL_KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
        "SAMENSPEL_REGISTRY_URL": "http://127.0.0.1:1",
        f"SAMENSPEL_{OIN}_NAME": "Gemeente Utrecht",
        f"SAMENSPEL_{OIN}_USERNAME": "user",
        f"SAMENSPEL_{OIN}_PASSWORD": "secret",
        f"SAMENSPEL_{OIN}_TOKEN": "token",
    }
