"""Waiting for a daemon: until ready, dead, or too late."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.errors import LocalSystemError
from deploy.local.process import Daemon
from deploy.local.waiting import wait_until


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    made = Daemon(tmp_path / "record", tmp_path / "log")
    yield made
    made.kill()


def start(daemon: Daemon, program: str) -> None:
    daemon.start([sys.executable, "-c", program], folder=daemon.record.parent)


def test_wait_ends_when_the_daemon_is_ready(daemon: Daemon) -> None:
    start(daemon, "import time; time.sleep(60)")
    answers = iter([False, False, True])
    wait_until(lambda: next(answers), daemon, "Kafka", timeout_seconds=60)
    assert next(answers, None) is None


def test_daemon_that_dies_is_an_error_with_the_end_of_its_log(daemon: Daemon) -> None:
    start(daemon, "print('no space left')")
    with pytest.raises(LocalSystemError, match="Kafka ended during the start") as error:
        wait_until(lambda: False, daemon, "Kafka", timeout_seconds=60)
    assert "no space left" in str(error.value)


def test_daemon_that_takes_too_long_is_an_error(daemon: Daemon) -> None:
    start(daemon, "import time; time.sleep(60)")
    with pytest.raises(LocalSystemError, match="not ready within 0 s"):
        wait_until(lambda: False, daemon, "Kafka", timeout_seconds=0)
