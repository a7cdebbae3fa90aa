"""A PostgreSQL server alone, without Kafka and services."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local.system import LocalSystem


@contextmanager
def own_environment() -> Iterator[pytest.MonkeyPatch]:
    """The environment without the settings of the developer's shell."""
    with pytest.MonkeyPatch.context() as environment:
        for name in [name for name in os.environ if name.startswith("SAMENSPEL_")]:
            environment.delenv(name)
        yield environment


@contextmanager
def postgres_server() -> Iterator[str]:
    """The superuser's URL of a new server in a temporary home. Server and home are removed at the end."""
    system = LocalSystem(Path(tempfile.mkdtemp(prefix="samenspel-postgres-")))
    try:
        with own_environment(), system.home.locked():
            system.postgres.start()
        yield system.postgres.admin_dsn
    finally:
        system.remove()
