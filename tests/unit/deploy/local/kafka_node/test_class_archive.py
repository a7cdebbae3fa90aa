"""The archive of Kafka's classes: kept if whole, and never a reason for a failure."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.local.home import Home
from deploy.local.kafka_node import class_archive
from deploy.local.kafka_node.jars import resolve
from deploy.local.kafka_node.java import find_java
from deploy.local.progress import silent


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive of a JVM after light use of Kafka's jars."""
    archive = tmp_path_factory.mktemp("jvm") / "made.jsa"
    command = [str(find_java()), f"-XX:ArchiveClassesAtExit={archive}", "-cp", f"{resolve(silent)}/*"]
    subprocess.run([*command, "kafka.tools.StorageTool", "random-uuid"], capture_output=True, check=True)
    return archive


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setattr(class_archive, "CACHE", tmp_path / "cache")
    (tmp_path / "cache").mkdir()
    home = Home(tmp_path / "home")
    home.make()
    return home


def _leave(home: Home, archive: bytes) -> Path:
    """As left by a JVM in a home without an archive."""
    where = Path(class_archive.jvm_option(find_java(), home).removeprefix("-XX:ArchiveClassesAtExit="))
    where.write_bytes(archive)
    return where


def test_intact_archive_is_used_by_later_starts(home: Home, made: Path) -> None:
    left = _leave(home, made.read_bytes())
    class_archive.adopt_archives(home)
    assert class_archive.jvm_option(find_java(), home) == f"-XX:SharedArchiveFile={class_archive.CACHE / left.name}"
    assert [each.name for each in class_archive.CACHE.iterdir()] == [left.name]
    assert not left.exists()


@pytest.mark.parametrize(
    "damaged",
    [
        lambda whole: b"",
        lambda whole: whole[: len(whole) // 2],
        lambda whole: bytes(8_192) + whole[8_192:],
        lambda whole: whole[:-100_000] + bytes(100_000),
    ],
    ids=["empty", "cut off", "without a header", "without an end"],
)
def test_damaged_archive_is_deleted(home: Home, made: Path, damaged: Callable[[bytes], bytes]) -> None:
    left = _leave(home, damaged(made.read_bytes()))
    class_archive.adopt_archives(home)
    assert list(class_archive.CACHE.iterdir()) == []
    assert not left.exists()
    assert class_archive.jvm_option(find_java(), home).startswith("-XX:ArchiveClassesAtExit=")


def test_unwritable_cache_fails_no_start(home: Home, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _leave(home, made.read_bytes())
    monkeypatch.setattr(class_archive, "CACHE", home.path / "no such folder")
    class_archive.adopt_archives(home)
