"""The three services as processes of this machine, kept alive by a supervisor."""

import os
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
from deploy.local.postgres_node.databases import NAMED_SERVER, Databases
from deploy.local.process import Daemon
from deploy.local.progress import Progress, silent
from deploy.local.secrets import Secrets
from deploy.local.waiting import wait_until

ALL: Final[tuple[Service, ...]] = tuple(DOMAIN_OF)
READY_SECONDS_MAX: Final = 60.0


def command_of(service: Service) -> list[str]:
    return [sys.executable, "-m", f"services.{service}"]


def is_implemented(service: Service) -> bool:
    """Can this service be started at all?"""
    return (CHECKOUT / "services" / service / "__main__.py").exists()


def environment_of(service: Service, home: Home, bootstrap: str, databases: Databases) -> dict[str, str]:
    """All that a service is told; its passwords are in the files of ``SAMENSPEL_SECRETS_DIR``."""
    secrets = Secrets(home.secrets)
    if service == "notifier":
        secrets["notifier/webhook_key"]  # made when it is not there
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
        "SAMENSPEL_SECRETS_DIR": str(secrets.folder_of(service)),
    }


class Services:
    def __init__(self, home: Home) -> None:
        self._home = home
        self._ports = Ports(home.ports)
        self.supervisor = Daemon(home.record("supervisor"), home.log("supervisor"))

    def daemon(self, service: Service) -> Daemon:
        """The process of one service; its `kill` is what the supervisor is there for."""
        return Daemon(self._home.record(service), self._home.log(service))

    def urls(self) -> dict[Service, str]:
        """The base URL of every service that was started here once."""
        ports = {service: self._ports.remembered(service) for service in ALL}
        return {service: f"http://{LOOPBACK}:{port}" for service, port in ports.items() if port}

    def claim_ports(self, services: Iterable[Service]) -> None:
        """Choose where they will listen; those that run keep what they have."""
        for service in services:
            if self.daemon(service).process() is None:
                self._ports.claim(service)

    def start(self, services: Iterable[Service], progress: Progress = silent) -> None:
        """Have these supervised, no others, and wait until each says that it is ready."""
        wanted = [service for service in services if is_implemented(service)]
        if self._supervised() != wanted:
            self.stop()
            command = [sys.executable, "-m", "deploy.local.supervisor", str(self._home.path), *wanted]
            named = os.environ.get(NAMED_SERVER)
            self.supervisor.start(command, folder=CHECKOUT, environment={NAMED_SERVER: named} if named else {})
        for service in wanted:
            progress(service, "starting", 0.5)
        for service in wanted:
            self._wait_until_ready(service)
            progress(service, "ready", 1.0)

    def stop(self) -> None:
        """Stop the supervisor and all services, those that a killed supervisor left behind too."""
        self.supervisor.stop()
        for service in ALL:
            self.daemon(service).stop()

    def is_ready(self, service: Service) -> bool:
        """Does its ``/readyz`` answer 200?"""
        return self._readyz(service)[0] == HTTPStatus.OK

    def readiness(self, service: Service) -> str:
        """The body of its ``/readyz``; empty when it does not answer."""
        return self._readyz(service)[1]

    def _supervised(self) -> list[str]:
        """The services that a running supervisor keeps: the end of its command."""
        process = self.supervisor.process()
        return process.cmdline()[4:] if process else []

    def _readyz(self, service: Service) -> tuple[int, str]:
        """Status and body; 0 and nothing when it does not answer."""
        with closing(HTTPConnection(LOOPBACK, self._ports.remembered(service), timeout=2)) as connection:
            try:
                connection.request("GET", "/readyz")
                answer = connection.getresponse()
                return answer.status, answer.read(1_000).decode(errors="replace")
            except (OSError, HTTPException):
                return 0, ""

    def _wait_until_ready(self, service: Service) -> None:
        """A service may die and be started again meanwhile; only the supervisor must live."""
        supervisor = replace(self.supervisor, log=self._home.log(service))
        try:
            wait_until(lambda: self.is_ready(service), supervisor, service, timeout_seconds=READY_SECONDS_MAX)
        except LocalSystemError as error:
            _, says = self._readyz(service)
            raise LocalSystemError(f"{error}\n{service} says of itself: {says or 'nothing'}") from None
