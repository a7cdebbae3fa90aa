"""Status of the local system: processes, addresses and credentials."""

from collections.abc import Iterator

from pydantic import BaseModel
from samenspel.client.access.profile import Credential, KafkaAccess
from samenspel.contracts.topics import Service

from deploy.local.errors import LocalSystemError
from deploy.local.ports import Listener
from deploy.local.services import ALL
from deploy.local.system import LocalSystem


class ServerStatus(BaseModel):
    """One process. ``pid`` is None for a stopped process; ``ready`` is the result of a readiness check."""

    name: str
    pid: int | None
    port: int | None
    ready: bool


class SystemStatus(BaseModel):
    """Status of all components. ``organisations``: the credentials in the profile of this home, with secrets."""

    home: str
    ready: bool
    kafka: KafkaAccess
    http: dict[Service, str]
    servers: list[ServerStatus]
    services: list[ServerStatus]
    organisations: list[Credential]


def read_status(system: LocalSystem) -> SystemStatus:
    """Status of the system. Raises LocalSystemError if the system was never started in this home."""
    if not (system.home.profile / "system.json").exists():
        raise LocalSystemError(f"no system was started in {system.home.path} yet: run `samenspel up`")
    addresses = system.profile.system()
    servers = [_server_status(system, "kafka", system.kafka.is_ready())]
    if system.ports.remembered("postgres"):  # else the environment selects an existing server
        servers.append(_server_status(system, "postgres", system.postgres.is_ready()))
    services = [_server_status(system, name, system.services.is_ready(name)) for name in ALL]
    return SystemStatus(
        home=str(system.home.path),
        ready=all(component.ready for component in (*servers, *services)),
        kafka=addresses.kafka,
        http=addresses.http,
        servers=servers,
        services=services,
        organisations=system.profile.credentials(),
    )


def environment(status: SystemStatus) -> Iterator[tuple[str, str]]:
    """Names and values of shell variables."""
    yield "SAMENSPEL_HOME", status.home
    yield "SAMENSPEL_KAFKA_BOOTSTRAP", status.kafka.bootstrap
    yield "SAMENSPEL_KAFKA_SECURITY_PROTOCOL", status.kafka.security_protocol
    yield "SAMENSPEL_KAFKA_SASL_MECHANISM", status.kafka.sasl_mechanism
    for service, url in status.http.items():
        yield f"SAMENSPEL_{service.upper()}_URL", url
    for credential in status.organisations:
        yield f"SAMENSPEL_{credential.oin}_NAME", credential.name
        yield f"SAMENSPEL_{credential.oin}_USERNAME", credential.username
        yield f"SAMENSPEL_{credential.oin}_PASSWORD", credential.password
        yield f"SAMENSPEL_{credential.oin}_TOKEN", credential.token


def _server_status(system: LocalSystem, name: Listener, ready: bool) -> ServerStatus:
    process = system.daemons()[name].process()
    port = system.ports.remembered(name)
    return ServerStatus(name=name, pid=process.pid if process else None, port=port, ready=ready)
