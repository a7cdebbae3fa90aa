"""The home folder of a local system: private files, locks, removal."""

import fcntl
import stat
import threading
from pathlib import Path

import pytest

from deploy.local import home as module
from deploy.local.errors import EnvironmentUnavailable
from deploy.local.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def test_secret_folders_are_closed_to_others(home: Home) -> None:
    home.make()
    for folder in (home.secrets, home.profile, home.kafka, home.record("x").parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_folder_with_foreign_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(EnvironmentUnavailable, match="contains other files"):
        Home(tmp_path).make()


def test_removal_of_a_home_leaves_nothing(home: Home) -> None:
    home.make()
    home.remove()
    assert not home.path.exists()


def test_removal_of_a_home_spares_the_cache(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CACHE", home.path / "cache")
    home.make()
    (home.path / "cache").mkdir()
    home.remove()
    assert [child.name for child in home.path.iterdir()] == ["cache"]


def test_command_waits_for_another_that_removes_the_home(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    asked = threading.Event()
    flock = fcntl.flock

    def tell(descriptor: int, operation: int) -> None:
        if threading.current_thread() is not threading.main_thread():
            asked.set()
        flock(descriptor, operation)

    monkeypatch.setattr("deploy.local.home.fcntl.flock", tell)

    def second() -> None:
        with home.locked():
            order.append("second")
            assert home.secrets.exists()

    with home.locked():
        waiting = threading.Thread(target=second)
        waiting.start()
        assert asked.wait(timeout=10)
        home.remove()
        order.append("first")
    waiting.join(timeout=10)
    assert order == ["first", "second"]


def test_full_disk_is_reported_before_a_start(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.make()
    monkeypatch.setattr(module, "FREE_BYTES_MIN", 10**18)
    with pytest.raises(EnvironmentUnavailable, match="free 1 GB"):
        home.require_free_space()


def test_staging_folder_is_empty_and_deleted_afterwards(home: Home) -> None:
    home.make()
    (home.path / "new-kafka").mkdir()
    (home.path / "new-kafka" / "left by a crash").touch()
    with home.staging_folder("kafka") as room:
        assert not any(room.iterdir())
    assert not room.exists()
