"""Kafka's jars are stored whole or not at all."""

from pathlib import Path

import pytest

from deploy.local.errors import EnvironmentUnavailable
from deploy.local.kafka_node import jars
from deploy.local.kafka_node.jars import resolve
from deploy.local.progress import silent


def program(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(jars, "CACHE", tmp_path / "cache")
    return tmp_path / "cache"


def test_jars_are_stored_completely(only_ours: Path, cache: Path) -> None:
    script = 'for last; do true; done; folder="${last#-DoutputDirectory=}"; /bin/mkdir "$folder"; : > "$folder/a.jar"'
    program(only_ours, "mvn", script)
    folder = resolve(silent)
    assert [jar.name for jar in folder.iterdir()] == ["a.jar"]
    assert list(cache.iterdir()) == [folder] == [jars.cached_jars()]


def test_failure_of_maven_is_reported_and_leaves_nothing(only_ours: Path, cache: Path) -> None:
    program(only_ours, "mvn", "echo '[ERROR] no route to host'; exit 1")
    with pytest.raises(EnvironmentUnavailable, match="no route to host"):
        resolve(silent)
    assert not any(cache.iterdir())
