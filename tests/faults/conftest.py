"""A system without a supervisor: the tests start and kill the services."""

from collections.abc import Iterator

import pytest

from deploy.local.system import LocalSystem
from tests.conftest import running


@pytest.fixture(scope="session")
def bare_system() -> Iterator[LocalSystem]:
    """Kafka and PostgreSQL, and a port for each service; no service runs."""
    with running(()) as system:
        system.services.claim_ports(["registry", "funding", "notifier"])
        yield system
