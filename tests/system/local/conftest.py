"""A local system for these tests, in the worst possible home."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.system import LocalSystem


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's environment variables about another system must not reach these tests."""
    for name in os.environ:
        if name.startswith("SAMENSPEL_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def crashed_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of 150 characters, with spaces and a comma, left by a crash during the first start."""
    home = tmp_path_factory.mktemp("een map, met spaties ")
    home = home / "x".ljust(150 - len(str(home)), "x")
    (home / "kafka-data").mkdir(parents=True)
    (home / "kafka-data" / "bootstrap.checkpoint").write_bytes(b"half")
    (home / "new-kafka").mkdir()
    (home / "run").mkdir()
    (home / "run" / "kafka.json").write_text('{"pid": 1, "started": 0.0}')
    (home / "lock").touch()
    return home


@pytest.fixture(scope="module")
def system(crashed_home: Path) -> Iterator[LocalSystem]:
    """Kafka and PostgreSQL, no services; started, and removed afterwards."""
    system = LocalSystem(crashed_home)
    try:
        system.start(())
        yield system
    finally:
        system.remove()
