"""The local system as one thing: Kafka, PostgreSQL, the services, and the profile that leads to them."""

import os
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from samenspel.client.profile import Profile
from samenspel.contracts.topics import Service

from deploy.local.databases import Databases
from deploy.local.errors import SurroundingsMissing
from deploy.local.home import Home
from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.progress import Progress, silent
from deploy.local.provisioning import fill_profile, provision_kafka
from deploy.local.secrets import Secrets
from deploy.local.services import ALL, Services

ROOM: Final = 1_000_000_000
"""Bytes that must be free on the disk to start."""
NAMED_SERVER: Final = "SAMENSPEL_POSTGRES_DSN"


class LocalSystem:
    """Everything under one home. Each method waits for, and then holds, the home's lock.

    Raises LocalSystemError (or its SurroundingsMissing), whose text is one sentence for the user.
    """

    def __init__(self, home: Path) -> None:
        self.home = Home(home.absolute())
        self.kafka = Kafka(self.home)
        self.postgres = Postgres(self.home)
        self.services = Services(self.home)
        self.profile = Profile(self.home.profile)
        self.secrets = Secrets(self.home.secrets)

    @property
    def databases(self) -> Databases:
        """On the server of ``SAMENSPEL_POSTGRES_DSN`` when the environment has it, else on our own."""
        return Databases(os.environ.get(NAMED_SERVER) or self.postgres.admin_dsn, self.secrets)

    def start(self, services: Iterable[Service] = ALL, progress: Progress = silent) -> None:
        """Start what does not run, and wait until all of it is ready."""
        wanted = list(services)
        with self.home.locked():
            self.home.make()
            self._require_room()
            self.services.claim_ports(wanted)
            _both(lambda: self._start_kafka(progress), lambda: self._start_postgres(progress))
            fill_profile(self.profile, self.kafka, self.services.urls(), self.secrets)
            self.services.start(wanted, progress)

    def stop(self) -> None:
        """Stop everything, services first; the data stays."""
        with self.home.locked():
            self.services.stop()
            _both(self.kafka.stop, self.postgres.stop)

    def remove(self) -> None:
        """Stop everything and throw its data away; the cache of jars stays."""
        with self.home.locked():
            self.services.stop()
            _both(self.kafka.stop, self.postgres.stop)
            for child in self.home.path.iterdir():
                if child.is_dir() and child.name != "cache":
                    shutil.rmtree(child)
            self.home.ports.unlink(missing_ok=True)

    def _start_kafka(self, progress: Progress) -> None:
        self.kafka.start(progress)
        progress("kafka", "users, topics and rights", 0.9)
        provision_kafka(self.kafka.admin(), self.secrets, ALL)
        progress("kafka", "ready", 1.0)

    def _start_postgres(self, progress: Progress) -> None:
        if not os.environ.get(NAMED_SERVER):
            self.postgres.start(progress)
        progress("postgres", "databases and roles", 0.9)
        self.databases.ensure(ALL)
        progress("postgres", "ready", 1.0)

    def _require_room(self) -> None:
        free = shutil.disk_usage(self.home.path).free
        if free < ROOM:
            raise SurroundingsMissing(
                f"{self.home.path} has {free // 1_000_000} MB left: make room (1 GB), "
                "or name a folder on another disk in SAMENSPEL_HOME"
            )


def _both(one: Callable[[], None], other: Callable[[], None]) -> None:
    """Run two at the same time and wait for both; raise what the first of them raised."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        futures = [pool.submit(one), pool.submit(other)]
    for future in futures:
        future.result()
