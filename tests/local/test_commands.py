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


def test_the_status_of_nothing(home: Path) -> None:
    result = run("status", "--json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "run `samenspel up`" in result.stderr
    assert not home.exists()


def test_stopping_nothing_is_harmless(home: Path) -> None:
    assert run("down").exit_code == 0
    assert run("reset").exit_code == 0
    assert not home.exists()


def test_an_option_that_is_none(home: Path) -> None:
    assert run("status", "--jsn").exit_code == 2


def test_without_java_nothing_is_started(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(home))
    result = run("up")
    assert result.exit_code == 3
    assert "Kafka needs Java 17 or newer" in result.stderr
    assert not any(Home(home).record("any").parent.iterdir())


def test_a_given_port_that_is_taken_starts_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as stranger:
        stranger.bind((LOOPBACK, 0))
        stranger.listen()
        monkeypatch.setenv("SAMENSPEL_REGISTRY_PORT", str(stranger.getsockname()[1]))
        result = run("up")
    assert result.exit_code == 3
    assert "set SAMENSPEL_REGISTRY_PORT to another port" in result.stderr
    assert not any(Home(home).record("any").parent.iterdir())


def test_kafka_data_without_its_mark_is_never_thrown_away(home: Path) -> None:
    topic = home / "kafka-data" / "samenspel.initiatives-0"
    topic.mkdir(parents=True)
    (home / "lock").touch()
    result = run("doctor")
    assert result.exit_code == 3
    assert "restore that file, or delete all data with `samenspel reset`" in result.stdout
    assert topic.exists()


def test_the_doctor_says_what_is_missing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(home))
    result = run("doctor")
    assert result.exit_code == 3
    assert "✗ java" in result.stdout
    assert "✓ python" in result.stdout


def test_a_folder_that_holds_other_things_is_left_alone(home: Path) -> None:
    home.mkdir()
    (home / "thesis.json").write_text(json.dumps("years of work"))
    for command in ("up", "reset"):
        result = run(command)
        assert result.exit_code == 3
        assert "contains other files" in result.stderr
    assert [file.name for file in home.iterdir()] == ["thesis.json"]
