"""How the local system is now, and what one needs to speak to it."""

from collections.abc import Iterator

from pydantic import BaseModel
from samenspel.client.access.profile import Credential, KafkaAccess
from samenspel.contracts.topics import Service

from deploy.local.errors import LocalSystemError
from deploy.local.ports import Listener
from deploy.local.services import ALL
from deploy.local.system import LocalSystem


class ServerStatus(BaseModel):
    """One process: `pid` is None when it does not run, `ready` whether it answers."""

    name: str
    pid: int | None
    port: int | None
    ready: bool


class SystemStatus(BaseModel):
    """`organisations` are those whom this home's profile can speak as, secrets included."""

    home: str
    ready: bool
    kafka: KafkaAccess
    http: dict[Service, str]
    servers: list[ServerStatus]
    services: list[ServerStatus]
    organisations: list[Credential]


def read_status(system: LocalSystem) -> SystemStatus:
    """Raises LocalSystemError when nothing was ever started in this home."""
    if not (system.home.profile / "system.json").exists():
        raise LocalSystemError(f"nothing was started in {system.home.path} yet: `samenspel up` does that")
    addresses = system.profile.system()
    servers = [_server_status(system, "kafka", system.kafka.is_ready())]
    if system.ports.remembered("postgres"):  # else it was started on a server that the environment named
        servers.append(_server_status(system, "postgres", system.postgres.is_ready()))
    services = [_server_status(system, name, system.services.is_ready(name)) for name in ALL]
    return SystemStatus(
        home=str(system.home.path),
        ready=all(piece.ready for piece in (*servers, *services)),
        kafka=addresses.kafka,
        http=addresses.http,
        servers=servers,
        services=services,
        organisations=system.profile.credentials(),
    )


def environment(status: SystemStatus) -> Iterator[tuple[str, str]]:
    """The same for a shell: names and values of variables."""
    yield "SAMENSPEL_HOME", status.home
    yield "SAMENSPEL_KAFKA_BOOTSTRAP", status.kafka.bootstrap
    yield "SAMENSPEL_KAFKA_SECURITY_PROTOCOL", status.kafka.security_protocol
    yield "SAMENSPEL_KAFKA_SASL_MECHANISM", status.kafka.sasl_mechanism
    for service, url in status.http.items():
        yield f"SAMENSPEL_{service.upper()}_URL", url
    for one in status.organisations:
        yield f"SAMENSPEL_{one.oin}_NAME", one.name
        yield f"SAMENSPEL_{one.oin}_USERNAME", one.username
        yield f"SAMENSPEL_{one.oin}_PASSWORD", one.password
        yield f"SAMENSPEL_{one.oin}_TOKEN", one.token


def _server_status(system: LocalSystem, name: Listener, ready: bool) -> ServerStatus:
    process = system.daemons()[name].process()
    port = system.ports.remembered(name)
    return ServerStatus(name=name, pid=process.pid if process else None, port=port, ready=ready)
