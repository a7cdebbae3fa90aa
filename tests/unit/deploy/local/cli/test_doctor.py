"""`samenspel doctor` names each fault of the environment."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deploy.local.cli import doctor
from deploy.local.cli.commands import app
from deploy.local.kafka_node.server import Kafka
from deploy.local.postgres_node.server import Postgres
from deploy.local.process import Daemon
from deploy.local.services import Services
from deploy.local.system import LocalSystem
from tests.support.waiting import eventually

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SAMENSPEL_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_kafka_data_without_its_mark_is_never_deleted(home: Path) -> None:
    topic = home / "kafka-data" / "samenspel.initiatives-0"
    topic.mkdir(parents=True)
    (home / "lock").touch()
    result = run("doctor")
    assert result.exit_code == 3
    assert "restore that file, or delete all data with `samenspel reset`" in result.stdout
    assert topic.exists()


def test_doctor_names_every_missing_program(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(home))
    result = run("doctor")
    assert result.exit_code == 3
    assert "✗ java" in result.stdout
    assert "✓ python" in result.stdout


@pytest.fixture
def started(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Daemon]]:
    """A system all of whose processes run, and answer."""
    monkeypatch.setattr(Kafka, "is_ready", lambda self: True)
    monkeypatch.setattr(Postgres, "is_ready", lambda self: True)
    monkeypatch.setattr(Services, "is_ready", lambda self, service: True)
    system = LocalSystem(home)
    system.home.make()
    daemons: dict[str, Daemon] = {"supervisor": system.services.supervisor}
    daemons |= {str(name): daemon for name, daemon in system.daemons().items()}
    for daemon in daemons.values():
        daemon.start(SLEEPER, folder=home)
    yield daemons
    for daemon in daemons.values():
        daemon.kill()


def running_line(result: Result) -> str:
    return next(line for line in result.stdout.splitlines() if "running" in line)


def test_a_system_that_runs_is_well(started: dict[str, Daemon]) -> None:
    assert running_line(run("doctor")) == "✓ running     supervisor, kafka, postgres, registry, funding, notifier"


@pytest.mark.parametrize("name", ["supervisor", "kafka", "postgres", "funding"])
async def test_a_process_that_died_is_told(started: dict[str, Daemon], name: str) -> None:
    process = started[name].process()
    assert process is not None
    process.kill()
    await eventually(started[name].has_died)
    result = run("doctor")
    assert result.exit_code == 3
    assert f"✗ running     {name} stopped without `samenspel down`" in result.stdout


def test_daemon_stopped_by_the_command_is_healthy(started: dict[str, Daemon]) -> None:
    for daemon in started.values():
        daemon.stop()
    assert running_line(run("doctor")) == "✓ running     nothing"


@pytest.mark.parametrize(
    ("kind", "text"), [(Kafka, "kafka runs and does not answer"), (Postgres, "postgres runs and is not ready")]
)
def test_a_server_that_does_not_answer_is_told(
    started: dict[str, Daemon], monkeypatch: pytest.MonkeyPatch, kind: type, text: str
) -> None:
    monkeypatch.setattr(kind, "is_ready", lambda self: False)
    result = run("doctor")
    assert result.exit_code == 3
    assert text in running_line(result)


def test_a_service_tells_the_doctor_itself_what_is_wrong(
    started: dict[str, Daemon], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Services, "is_ready", lambda self, service: service != "funding")
    monkeypatch.setattr(Services, "readiness", lambda self, service: '{"amiss": {"kafka": "cannot be reached"}}')
    result = run("doctor")
    assert result.exit_code == 3
    assert "funding runs and is not ready" in running_line(result)
    assert "cannot be reached" in running_line(result)
    assert "registry runs" not in running_line(result)


def test_a_folder_without_rights_is_a_finding(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", str(home))

    monkeypatch.setattr(doctor, "require_usable_storage", refuse)
    result = run("doctor")
    assert result.exit_code == 3
    assert "✗ kafka data" in result.stdout
