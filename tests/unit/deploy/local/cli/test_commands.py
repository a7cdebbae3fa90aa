"""`samenspel up`, `down`, `reset` and `status` without a running system."""

import json
import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deploy.local.cli.commands import app
from deploy.local.home import Home
from deploy.local.ports import LOOPBACK


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SAMENSPEL_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_status_without_a_system_ends_with_1(home: Path) -> None:
    result = run("status", "--json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "run `samenspel up`" in result.stderr
    assert not home.exists()


def test_stop_and_reset_without_a_system_are_harmless(home: Path) -> None:
    assert run("down").exit_code == 0
    assert run("reset").exit_code == 0
    assert not home.exists()


def test_unknown_option_is_wrong_usage(home: Path) -> None:
    assert run("status", "--jsn").exit_code == 2


def test_start_without_java_ends_with_3_and_starts_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(home))
    result = run("up")
    assert result.exit_code == 3
    assert "Kafka needs Java 17 or newer" in result.stderr
    assert not any(Home(home).record("any").parent.iterdir())


def test_start_on_a_taken_port_ends_with_3_and_starts_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as stranger:
        stranger.bind((LOOPBACK, 0))
        stranger.listen()
        monkeypatch.setenv("SAMENSPEL_REGISTRY_PORT", str(stranger.getsockname()[1]))
        result = run("up")
    assert result.exit_code == 3
    assert "set SAMENSPEL_REGISTRY_PORT to another port" in result.stderr
    assert not any(Home(home).record("any").parent.iterdir())


def test_folder_with_foreign_files_is_not_touched(home: Path) -> None:
    home.mkdir()
    (home / "thesis.json").write_text(json.dumps("years of work"))
    for command in ("up", "reset"):
        result = run(command)
        assert result.exit_code == 3
        assert "contains other files" in result.stderr
    assert [file.name for file in home.iterdir()] == ["thesis.json"]
