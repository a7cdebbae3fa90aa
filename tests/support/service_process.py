"""Services started by a test, without a supervisor: for a kill at a named moment, or for two instances."""

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import psutil
from samenspel.contracts.topics import Service

from deploy.local.home import CHECKOUT
from deploy.local.process import Daemon
from deploy.local.services import environment_of
from deploy.local.system import LocalSystem
from tests.support.crashing_service import VARIABLE
from tests.support.proxy import LOOPBACK, KafkaProxy, Proxy
from tests.support.waiting import eventually


@dataclass(frozen=True, slots=True)
class Life:
    """A process of a service, killed by the starter."""

    process: psutil.Process
    service: Service

    @property
    def has_ended(self) -> bool:
        try:
            return self.process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    def kill(self) -> None:
        with suppress(psutil.NoSuchProcess):
            self.process.kill()
        with suppress(ChildProcessError):
            os.waitpid(self.process.pid, 0)

    async def ends(self, seconds: float = 30) -> None:
        """Wait for the self-inflicted kill."""
        await eventually(lambda: self.has_ended, seconds, f"the end of {self.service}")


def begin(
    system: LocalSystem,
    service: Service,
    die_at: str | None = None,
    *,
    port: int | None = None,
    name: str | None = None,
    changes: Mapping[str, str] | None = None,
    program: str = "tests.support.crashing_service",
) -> Life:
    """Start the service with the local system's settings; a second instance needs another ``port`` and ``name``.

    ``changes`` are differing environment variables, e.g. from `through`; ``program`` is the module to run, with the
    service's name.
    """
    environment = environment_of(service, system.home, system.kafka.bootstrap, system.databases)
    environment.update(changes or {})
    if port:
        environment["SAMENSPEL_HTTP_PORT"] = str(port)
    if die_at:
        environment[VARIABLE] = die_at
    daemon = Daemon(system.home.record(name or service), system.home.log(name or service))
    process = daemon.start([sys.executable, "-m", program, service], folder=CHECKOUT, environment=environment)
    return Life(process, service)


def through(
    system: LocalSystem, service: Service, *, kafka: KafkaProxy | None = None, postgres: Proxy | None = None
) -> dict[str, str]:
    """Environment variables for reaching Kafka, PostgreSQL or both through these proxies."""
    changes = {}
    if kafka:
        changes["SAMENSPEL_KAFKA_BOOTSTRAP"] = f"{LOOPBACK}:{kafka.port}"
    if postgres:
        server = urlsplit(system.databases.dsn(service))
        changes["SAMENSPEL_POSTGRES_DSN"] = server._replace(netloc=f"{service}@{LOOPBACK}:{postgres.port}").geturl()
    return changes


async def begin_ready(system: LocalSystem, service: Service) -> Life:
    """The same, and wait until ready."""
    life = begin(system, service)
    await eventually(lambda: system.services.is_ready(service), 40, f"a ready {service}")
    return life
