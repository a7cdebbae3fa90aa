"""Java and Maven are found, or the error names the missing program."""

from pathlib import Path

import pytest

from deploy.local.errors import EnvironmentUnavailable
from deploy.local.kafka_node.java import find_java, find_maven


def program(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


def test_absent_java_is_an_error(only_ours: Path) -> None:
    with pytest.raises(EnvironmentUnavailable, match="Java is not on the path: Kafka needs Java 17"):
        find_java()


def test_java_home_without_java_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(EnvironmentUnavailable, match="contains no Java"):
        find_java()


@pytest.mark.parametrize(("said", "version"), [("1.8.0_402", 8), ("11.0.2", 11), ("16", 16)])
def test_old_java_is_refused_with_its_version(only_ours: Path, said: str, version: int) -> None:
    program(only_ours, "java", f"echo 'openjdk version \"{said}\" 2020' >&2")
    with pytest.raises(EnvironmentUnavailable, match=f"Java {version} at .* is too old"):
        find_java()


@pytest.mark.parametrize("said", ["17.0.15", "25", "26-ea"])
def test_java_from_version_17_on_is_found(only_ours: Path, said: str) -> None:
    java = program(only_ours, "java", f"echo 'openjdk version \"{said}\" 2026' >&2")
    assert find_java() == java


def test_absent_maven_is_an_error(only_ours: Path) -> None:
    with pytest.raises(EnvironmentUnavailable, match="Maven is not on the path"):
        find_maven()
