"""Formatting of Kafka's log folder: whole or not at all, without a secret on the command line."""

from pathlib import Path

import pytest

from deploy.local.errors import LocalSystemError
from deploy.local.home import Home
from deploy.local.kafka_node.storage import META_PROPERTIES, format_storage, is_formatted, require_usable

PASSWORD = "the password"
FORMATS = (
    f'test -f properties && touch data/{META_PROPERTIES} && echo "$@" > data/command && cp arguments data/arguments'
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    with made.locked():
        return made


def java(tmp_path: Path, script: str) -> list[str]:
    """A command in the place of Java, with this script."""
    file = tmp_path / "java"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return [str(file)]


def test_folder_is_formatted_with_the_password_in_a_file(home: Home, tmp_path: Path) -> None:
    format_storage(home, {"log.dirs": "elsewhere"}, java(tmp_path, FORMATS), PASSWORD)
    assert is_formatted(home.kafka_data)
    assert PASSWORD not in (home.kafka_data / "command").read_text()
    assert PASSWORD in (home.kafka_data / "arguments").read_text()


def test_formatting_that_fails_leaves_no_folder(home: Home, tmp_path: Path) -> None:
    with pytest.raises(LocalSystemError, match="could not format"):
        format_storage(home, {}, java(tmp_path, f"touch data/{META_PROPERTIES}; exit 1"), PASSWORD)
    assert not home.kafka_data.exists()


def test_half_formatted_folder_is_replaced(home: Home, tmp_path: Path) -> None:
    home.kafka_data.mkdir()
    (home.kafka_data / "bootstrap.checkpoint").write_bytes(b"half")
    format_storage(home, {}, java(tmp_path, FORMATS), PASSWORD)
    assert not (home.kafka_data / "bootstrap.checkpoint").exists()


def test_folder_with_topics_but_no_mark_is_never_replaced(home: Home, tmp_path: Path) -> None:
    (home.kafka_data / "samenspel.initiatives-0").mkdir(parents=True)
    with pytest.raises(LocalSystemError, match=META_PROPERTIES):
        require_usable(home.kafka_data)
    with pytest.raises(LocalSystemError, match=META_PROPERTIES):
        format_storage(home, {}, java(tmp_path, FORMATS), PASSWORD)
    assert (home.kafka_data / "samenspel.initiatives-0").exists()
