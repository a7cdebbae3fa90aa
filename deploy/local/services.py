"""The three services as local processes, restarted by a supervisor."""

import sys
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Final

from samenspel.client.access.local_issuer import ISSUER
from samenspel.client.access.profile import Profile
from samenspel.contracts.topics import DOMAIN_OF, LANES_LOCAL, Service

from deploy.local.errors import LocalSystemError
from deploy.local.home import CHECKOUT, Home
from deploy.local.ports import LOOPBACK, Ports
from deploy.local.postgres_node.databases import Databases
from deploy.local.process import Daemon
from deploy.local.progress import Progress, silent
from deploy.local.secrets import Secrets
from deploy.local.waiting import wait_until

ALL: Final[tuple[Service, ...]] = tuple(DOMAIN_OF)
READY_SECONDS_MAX: Final = 60.0


def command_of(service: Service) -> list[str]:
    return [sys.executable, "-m", f"services.{service}"]


def is_implemented(service: Service) -> bool:
    """Whether the checkout contains the service."""
    return (CHECKOUT / "services" / service / "__main__.py").exists()


def environment_of(service: Service, home: Home, bootstrap: str, databases: Databases) -> dict[str, str]:
    """Environment variables of a service. The passwords are in the files of ``SAMENSPEL_SECRETS_DIR``."""
    return {
        "SAMENSPEL_KAFKA_BOOTSTRAP": bootstrap,
        "SAMENSPEL_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "SAMENSPEL_KAFKA_USERNAME": service,
        "SAMENSPEL_POSTGRES_DSN": databases.dsn(service),
        "SAMENSPEL_HTTP_PORT": str(Ports(home.ports).remembered(service)),
        "SAMENSPEL_JWKS": str(Profile(home.profile).issuer_folder / "jwks.json"),
        "SAMENSPEL_TOKEN_ISSUER": ISSUER,
        "SAMENSPEL_ENVIRONMENT": "local",
        "SAMENSPEL_LANES": str(LANES_LOCAL),
        "SAMENSPEL_SECRETS_DIR": str(Secrets(home.secrets).folder_of(service)),
    }


class Services:
    def __init__(self, home: Home) -> None:
        self._home = home
        self._ports = Ports(home.ports)
        self.supervisor = Daemon(home.record("supervisor"), home.log("supervisor"))

    def daemon(self, service: Service) -> Daemon:
        """The process of one service. After `Daemon.kill` the supervisor restarts the service."""
        return Daemon(self._home.record(service), self._home.log(service))

    def urls(self) -> dict[Service, str]:
        """The base URL of every service that was started in this home before."""
        ports = {service: self._ports.remembered(service) for service in ALL}
        return {service: f"http://{LOOPBACK}:{port}" for service, port in ports.items() if port}

    def claim_ports(self, services: Iterable[Service]) -> None:
        """Choose ports for stopped services; running services keep their ports."""
        for service in services:
            if self.daemon(service).process() is None:
                self._ports.claim(service)

    def start(self, services: Iterable[Service], progress: Progress = silent) -> None:
        """Supervise exactly ``services``, and wait until each service is ready. Raises LocalSystemError."""
        wanted = [service for service in services if is_implemented(service)]
        if self._supervised() != wanted:
            self.stop()
            command = [sys.executable, "-m", "deploy.local.supervisor", str(self._home.path), *wanted]
            self.supervisor.start(command, folder=CHECKOUT)
        for service in wanted:
            progress(service, "starting", 0.5)
        for service in wanted:
            self._wait_until_ready(service)
            progress(service, "ready", 1.0)

    def stop(self) -> None:
        """Stop the supervisor and all services, including services of a killed supervisor."""
        self.supervisor.stop()
        for service in ALL:
            self.daemon(service).stop()

    def is_ready(self, service: Service) -> bool:
        """Whether ``/readyz`` of the service returns 200."""
        return self._readyz(service)[0] == HTTPStatus.OK

    def _supervised(self) -> list[str]:
        """The services of the running supervisor, from the arguments of its command."""
        process = self.supervisor.process()
        return process.cmdline()[4:] if process else []

    def _readyz(self, service: Service) -> tuple[int, str]:
        """Status and body of ``/readyz``; 0 and an empty text if the service does not respond."""
        with closing(HTTPConnection(LOOPBACK, self._ports.remembered(service), timeout=2)) as connection:
            try:
                connection.request("GET", "/readyz")
                answer = connection.getresponse()
                return answer.status, answer.read(1_000).decode(errors="replace")
            except (OSError, HTTPException):
                return 0, ""

    def _wait_until_ready(self, service: Service) -> None:
        """Wait until ready. The service may be restarted in the meantime; only the supervisor must keep running."""
        supervisor = replace(self.supervisor, log=self._home.log(service))
        try:
            wait_until(lambda: self.is_ready(service), supervisor, service, timeout_seconds=READY_SECONDS_MAX)
        except LocalSystemError as error:
            _, body = self._readyz(service)
            raise LocalSystemError(f"{error}\n/readyz of {service}: {body or 'no response'}") from None
