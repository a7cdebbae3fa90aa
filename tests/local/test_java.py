from pathlib import Path

import pytest

from deploy.local.errors import EnvironmentUnavailable
from deploy.local.kafka_node import jars
from deploy.local.kafka_node.jars import resolve
from deploy.local.kafka_node.java import find_java, find_maven
from deploy.local.progress import silent


def program(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


@pytest.fixture(autouse=True)
def only_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A path with nothing on it but what a test puts there."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path / "bin"


def test_no_java(only_ours: Path) -> None:
    with pytest.raises(EnvironmentUnavailable, match="Java is not on the path: Kafka needs Java 17"):
        find_java()


def test_a_java_home_without_java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(EnvironmentUnavailable, match="contains no Java"):
        find_java()


@pytest.mark.parametrize(("said", "version"), [("1.8.0_402", 8), ("11.0.2", 11), ("16", 16)])
def test_an_old_java(only_ours: Path, said: str, version: int) -> None:
    program(only_ours, "java", f"echo 'openjdk version \"{said}\" 2020' >&2")
    with pytest.raises(EnvironmentUnavailable, match=f"Java {version} at .* is too old"):
        find_java()


@pytest.mark.parametrize("said", ["17.0.15", "25", "26-ea"])
def test_a_java_that_will_do(only_ours: Path, said: str) -> None:
    java = program(only_ours, "java", f"echo 'openjdk version \"{said}\" 2026' >&2")
    assert find_java() == java


def test_no_maven(only_ours: Path) -> None:
    with pytest.raises(EnvironmentUnavailable, match="Maven is not on the path"):
        find_maven()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(jars, "CACHE", tmp_path / "cache")
    return tmp_path / "cache"


def test_the_jars_appear_whole(only_ours: Path, cache: Path) -> None:
    script = 'for last; do true; done; folder="${last#-DoutputDirectory=}"; /bin/mkdir "$folder"; : > "$folder/a.jar"'
    program(only_ours, "mvn", script)
    folder = resolve(silent)
    assert [jar.name for jar in folder.iterdir()] == ["a.jar"]
    assert list(cache.iterdir()) == [folder] == [jars.cached_jars()]


def test_what_maven_could_not_do_is_said_and_leaves_nothing(only_ours: Path, cache: Path) -> None:
    program(only_ours, "mvn", "echo '[ERROR] no route to host'; exit 1")
    with pytest.raises(EnvironmentUnavailable, match="no route to host"):
        resolve(silent)
    assert not any(cache.iterdir())
