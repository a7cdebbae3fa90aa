"""`samenspel doctor` names each fault of the environment."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deploy.local.cli.commands import app


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
