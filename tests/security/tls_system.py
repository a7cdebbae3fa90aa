"""A system with TLS only, set up by docs/tls.md."""

import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from samenspel.client.access.profile import KafkaAccess, Profile, System

from deploy.local.home import CHECKOUT
from deploy.local.ports import is_open
from deploy.local.services import command_of, environment_of
from deploy.local.system import LocalSystem
from deploy.local.waiting import wait_until
from tests.support.certificates import Authority, Server

GUIDE: Final = (CHECKOUT / "docs" / "tls.md").read_text()
HOST: Final = "127.0.0.1"
READY_SECONDS_MAX: Final = 60.0
LISTS: Final = ("listeners", "advertised.listeners", "listener.security.protocol.map")


@dataclass(frozen=True, slots=True)
class Encrypted:
    """Kafka and the registry behind TLS. ``authority`` vouches for both, at 127.0.0.1 only; ``stranger`` for none."""

    system: LocalSystem
    profile: Profile
    authority: Authority
    stranger: Authority
    kafka_port: int
    door_port: int


@contextmanager
def encrypted(folder: Path) -> Iterator[Encrypted]:
    """Started, and removed at the end."""
    authority, stranger = Authority.make(folder, "authority"), Authority.make(folder, "stranger")
    server = authority.vouch_for(HOST)
    system = LocalSystem(folder / "home")
    port = _free_port()
    local = system.kafka._settings
    system.kafka._settings = lambda: _with_listener(local(), port, server)  # type: ignore[method-assign]
    try:
        system.start(())
        system.services.claim_ports(["registry"])
        http_port = system.ports.remembered("registry")
        assert http_port is not None
        profile = Profile(system.home.profile)
        access = KafkaAccess(bootstrap=f"{HOST}:{port}", security_protocol="SASL_SSL", ca_file=authority.file)
        profile.save_system(System(kafka=access, http={"registry": f"https://{HOST}:{http_port}"}))
        _start_registry(system, port, http_port, server, authority)
        yield Encrypted(system, profile, authority, stranger, port, http_port)
    finally:
        system.remove()


def guide(language: str) -> dict[str, str]:
    """The settings in the page's blocks of this language."""
    blocks = re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    return dict(line.split("=", 1) for block in blocks for line in block.splitlines() if "=" in line)


def _with_listener(local: Mapping[str, str], port: int, server: Server) -> dict[str, str]:
    wanted = {name: value.replace("//:9095", f"//{HOST}:9095") for name, value in guide("properties").items()}
    wanted = {name: value.replace("kafka.example", HOST).replace("9095", str(port)) for name, value in wanted.items()}
    lists = {name: f"{local[name]},{wanted[name]}" for name in LISTS}
    return {**local, **wanted, **lists, "ssl.keystore.location": str(server.both)}


def _start_registry(system: LocalSystem, port: int, http_port: int, server: Server, authority: Authority) -> None:
    files = {
        "kafka.example:9095": f"{HOST}:{port}",
        "/run/samenspel/ca.pem": str(authority.file),
        "/run/samenspel/registry.pem": str(server.certificate),
        "/run/samenspel/registry.key": str(server.key),
    }
    told = {name: files.get(value, value) for name, value in guide("sh").items()}
    del told["SAMENSPEL_POSTGRES_DSN"]
    environment = {**environment_of("registry", system.home, "", system.databases), **told}
    daemon = system.services.daemon("registry")
    daemon.start(command_of("registry"), folder=CHECKOUT, environment=environment)
    wait_until(lambda: is_open(http_port), daemon, "registry", timeout_seconds=READY_SECONDS_MAX)


def _free_port() -> int:
    with socket.socket() as log_reader:
        log_reader.bind((HOST, 0))
        return int(log_reader.getsockname()[1])
