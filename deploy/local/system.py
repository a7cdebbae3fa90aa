"""The local system: Kafka, PostgreSQL, the services, and the profile with addresses and credentials."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from samenspel.client.access.profile import Profile
from samenspel.contracts.topics import Service

from deploy.local.home import Home
from deploy.local.kafka_node.java import find_java
from deploy.local.kafka_node.server import Kafka
from deploy.local.ports import Listener, Ports
from deploy.local.postgres_node.databases import NAMED_SERVER, Databases
from deploy.local.postgres_node.server import Postgres
from deploy.local.process import Daemon
from deploy.local.progress import Progress, silent
from deploy.local.provisioning import fill_profile, provision_kafka
from deploy.local.secrets import Secrets
from deploy.local.services import ALL, Services


class LocalSystem:
    """All components of one home. `start`, `stop` and `remove` wait for the lock of the home, and keep it.

    These methods raise LocalSystemError or EnvironmentUnavailable; the text is one sentence for the user.
    """

    def __init__(self, home: Path) -> None:
        self.home = Home(home.absolute())
        self.ports = Ports(self.home.ports)
        self.secrets = Secrets(self.home.secrets)
        self.kafka = Kafka(self.home)
        self.postgres = Postgres(self.home)
        self.services = Services(self.home)
        self.profile = Profile(self.home.profile)

    @property
    def has_own_postgres(self) -> bool:
        """False if the environment selects an existing server, where only databases and roles are created."""
        return not os.environ.get(NAMED_SERVER)

    @property
    def databases(self) -> Databases:
        """The databases of the services, on the local server or on the selected server."""
        return Databases(os.environ.get(NAMED_SERVER) or self.postgres.admin_dsn, self.secrets)

    def daemons(self) -> dict[Listener, Daemon]:
        """The processes with a listener, by name."""
        services: dict[Listener, Daemon] = {service: self.services.daemon(service) for service in ALL}
        return {"kafka": self.kafka.daemon, "postgres": self.postgres.daemon, **services}

    def stopped_listeners(self) -> list[Listener]:
        """The listeners of stopped processes, whose ports must be free."""
        daemons: dict[Listener, Daemon] = {**self.daemons(), "kafka_controller": self.kafka.daemon}
        return [listener for listener, daemon in daemons.items() if daemon.process() is None]

    def start(self, services: Iterable[Service] = ALL, progress: Progress = silent) -> None:
        """Start the stopped components, and wait until all components are ready."""
        wanted = list(services)
        with self.home.locked():
            self._require_environment()
            self.services.claim_ports(wanted)
            _run_both(lambda: self._start_kafka(progress), lambda: self._start_postgres(progress))
            fill_profile(self.profile, self.kafka.bootstrap, self.services.urls(), self.secrets)
            self.services.start(wanted, progress)

    def stop(self) -> None:
        """Stop all components, services first; the data is kept."""
        if self.home.path.exists():
            with self.home.locked():
                self._stop()

    def remove(self) -> None:
        """Stop all components and delete the data."""
        if self.home.path.exists():
            with self.home.locked():
                self._stop()
                self.home.remove()

    def _stop(self) -> None:
        self.services.stop()
        _run_both(self.kafka.stop, self.postgres.stop)

    def _require_environment(self) -> None:
        """Check the requirements before the first start, so that a failed check leaves no running component."""
        self.home.require_free_space()
        find_java()
        if self.has_own_postgres:
            self.postgres.account()
        for listener in self.stopped_listeners():
            self.ports.require_available(listener)

    def _start_kafka(self, progress: Progress) -> None:
        self.kafka.start(progress)
        progress("kafka", "users, topics and ACLs", 0.9)
        provision_kafka(self.kafka.admin(), self.secrets, ALL)
        progress("kafka", "ready", 1.0)

    def _start_postgres(self, progress: Progress) -> None:
        if self.has_own_postgres:
            self.postgres.start(progress)
        progress("postgres", "databases and roles", 0.9)
        self.databases.ensure(ALL)
        progress("postgres", "ready", 1.0)


def _run_both(first: Callable[[], None], second: Callable[[], None]) -> None:
    """Run both functions concurrently and wait for both. Raises the first function's error, else the second's."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        futures = [pool.submit(first), pool.submit(second)]
    for future in futures:
        future.result()
