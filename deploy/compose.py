"""``python -m deploy.compose keys | provision``: the preparation steps of `docker-compose.yml`.

*keys* creates the passwords and Kafka's configuration, before any server runs. *provision* creates topics, users,
ACLs, databases and the operator's profile, on the running servers. Both commands may be repeated after a crash.
"""

import base64
import sys
import time
from pathlib import Path
from typing import Final
from uuid import uuid4

from samenspel.client.access.local_issuer import Issuer
from samenspel.client.access.private_files import write_private
from samenspel.client.access.profile import Profile
from samenspel.client.admin.kafka_admin import KafkaAdmin
from samenspel.contracts.topics import DOMAIN_OF

from deploy.local.kafka_node.settings import ADMIN, as_properties, settings
from deploy.local.postgres_node.databases import Databases
from deploy.local.provisioning import fill_profile, provision_kafka
from deploy.local.secrets import Secrets

STATE: Final = Path("/state")
CONFIG: Final = "/config"
"""Path in Kafka's container of the folder ``/state/kafka``."""
BOOTSTRAP: Final = "kafka:9092"
HOST_BOOTSTRAP: Final = "127.0.0.1:9094"
SERVICE_PORT: Final = 8080
KAFKA_SECONDS_MAX: Final = 120


def create_keys(state: Path) -> None:
    """Create the missing passwords and files.

    The files of a server are world-readable, because the folder is a volume that only this server mounts.
    """
    secrets = Secrets(state / "secrets")
    for service in DOMAIN_OF:
        for name in ("kafka_password", "postgres_password"):
            secrets[f"{service}/{name}"]
    secrets["notifier/webhook_key"]
    _write_world_readable(state / "postgres" / "password", secrets["postgres_admin"])
    _write_world_readable(state / "kafka" / "server.properties", as_properties(kafka_settings(secrets)))
    if not (state / "kafka" / "format").exists():
        _write_world_readable(state / "kafka" / "format", "\n".join(format_arguments(secrets)) + "\n")


def kafka_settings(secrets: Secrets) -> dict[str, str]:
    """Settings of the local system, with one listener for the containers and one listener for the host."""
    values = settings(
        "/var/lib/kafka/data",
        port=9092,
        controller_port=9093,
        admin_password=secrets["kafka_admin"],
        controller_password=secrets["kafka_controller"],
    )
    scram = ".scram-sha-512.sasl.jaas.config"
    return {
        **values,
        "listeners": "BROKER://:9092,HOST://:9094,CONTROLLER://127.0.0.1:9093",
        "advertised.listeners": f"BROKER://{BOOTSTRAP},HOST://{HOST_BOOTSTRAP}",
        "listener.security.protocol.map": f"{values['listener.security.protocol.map']},HOST:SASL_PLAINTEXT",
        f"listener.name.host{scram}": values[f"listener.name.broker{scram}"],
    }


def format_arguments(secrets: Secrets) -> list[str]:
    """Arguments for formatting, for a file with one argument per line: all users can read a command line."""
    admin = f"SCRAM-SHA-512=[name={ADMIN},password={secrets['kafka_admin']}]"
    # The first letter is fixed: an id that starts with a dash would be parsed as an option.
    cluster = "k" + base64.urlsafe_b64encode(uuid4().bytes).decode()[1:22]
    config = f"{CONFIG}/server.properties"
    return ["format", "-t", cluster, "-c", config, "--ignore-formatted", "--add-scram", admin]


def provision(state: Path, bootstrap: str = BOOTSTRAP, postgres: str = "postgres:5432") -> None:
    """Create topics, users, ACLs, databases, and the operator's profile for the admission of organisations."""
    secrets = Secrets(state / "secrets")
    admin = KafkaAdmin(bootstrap, ADMIN, secrets["kafka_admin"])
    _wait_for_kafka(admin)
    provision_kafka(admin, secrets, DOMAIN_OF)
    Databases(f"postgresql://postgres:{secrets['postgres_admin']}@{postgres}/postgres", secrets).ensure(DOMAIN_OF)
    _fill_profile(Profile(state / "profile"), secrets)


def _fill_profile(profile: Profile, secrets: Secrets) -> None:
    http = {service: f"http://{service}:{SERVICE_PORT}" for service in DOMAIN_OF}
    fill_profile(profile, BOOTSTRAP, http, secrets)
    issuer = Issuer(profile.issuer_folder)
    for service in DOMAIN_OF:
        write_private(secrets.folder_of(service) / "jwks.json", issuer.jwks.read_text())


def _write_world_readable(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    file.write_text(text)
    file.chmod(0o444)


def _wait_for_kafka(admin: KafkaAdmin) -> None:
    deadline = time.monotonic() + KAFKA_SECONDS_MAX
    while not admin.is_reachable(within=2):
        if time.monotonic() > deadline:
            sys.exit(
                f"Kafka did not accept the administrator within {KAFKA_SECONDS_MAX} s; "
                "see `docker compose logs kafka`"
            )


if __name__ == "__main__":
    {"keys": create_keys, "provision": provision}[sys.argv[1]](STATE)
