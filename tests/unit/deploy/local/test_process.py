"""Daemons of the local system: found by the stored record, ended with all children."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deploy.local.process import Daemon
from tests.support.waiting import eventually

SLEEPER = [sys.executable, "-c", "import time; print('awake', flush=True); time.sleep(60)"]


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    daemon = Daemon(tmp_path / "record.json", tmp_path / "log")
    yield daemon
    daemon.kill()


def test_daemon_is_found_by_its_record(daemon: Daemon, tmp_path: Path) -> None:
    started = daemon.start(SLEEPER, folder=tmp_path)
    assert Daemon(daemon.record, daemon.log).process() == started
    daemon.stop()
    assert not psutil.pid_exists(started.pid)
    assert daemon.process() is None


def test_stale_record_names_no_process(daemon: Daemon) -> None:
    daemon.record.write_text(json.dumps({"pid": 2**22 + 1, "started": 1.0}))
    assert daemon.process() is None
    daemon.record.write_text("half a rec")
    assert daemon.process() is None


def test_reused_pid_is_never_killed(daemon: Daemon, tmp_path: Path) -> None:
    stranger = Daemon(tmp_path / "stranger.json", tmp_path / "log").start(SLEEPER, folder=tmp_path)
    try:
        daemon.record.write_text(json.dumps({"pid": stranger.pid, "started": stranger.create_time() - 60}))
        daemon.stop()
        daemon.kill()
        assert stranger.is_running()
    finally:
        stranger.kill()
        stranger.wait(5)


async def test_kill_of_a_daemon_ends_its_children(daemon: Daemon, tmp_path: Path) -> None:
    parent = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
    process = daemon.start([sys.executable, "-c", parent], folder=tmp_path)
    children = await eventually(process.children)
    daemon.kill()
    assert not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children)


async def test_daemon_that_ignores_its_signal_is_killed(daemon: Daemon, tmp_path: Path) -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True)"
    process = daemon.start([sys.executable, "-c", f"{deaf}; time.sleep(60)"], folder=tmp_path)
    await eventually(lambda: "deaf" in daemon.last_lines())
    daemon.stop(timeout_seconds=0.1)
    assert not psutil.pid_exists(process.pid)


def test_last_lines_of_a_log_are_cut(daemon: Daemon) -> None:
    assert daemon.last_lines() == ""
    daemon.log.write_text("\n".join(["first", *["y" * 1_000] * 15]))
    assert "first" not in daemon.last_lines()
    assert len(daemon.last_lines()) < 5_000


async def test_process_whose_first_thread_has_ended_is_alive(daemon: Daemon, tmp_path: Path) -> None:
    """The system then reports a zombie; but files of other threads stay open."""
    halved = "import ctypes, threading, time; threading.Thread(target=time.sleep, args=(60,)).start()"
    process = daemon.start([sys.executable, "-c", f"{halved}; ctypes.CDLL(None).pthread_exit(None)"], folder=tmp_path)
    await eventually(lambda: process.status() == psutil.STATUS_ZOMBIE)
    assert daemon.process() == process
    daemon.kill()
    assert daemon.process() is None
    assert not psutil.pid_exists(process.pid)


async def test_a_daemon_gets_nothing_of_the_users_settings(
    daemon: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SAMENSPEL_HTTP_PRT", "PGSSLMODE", "LANG_OF_TESTS"):
        monkeypatch.setenv(name, "from-the-shell")
    started = daemon.start(SLEEPER, folder=tmp_path, environment={"SAMENSPEL_HTTP_PORT": "1"})
    given = await eventually(started.environ)  # For a moment the new program has no environment yet.
    assert given["SAMENSPEL_HTTP_PORT"] == "1"
    assert given["LANG_OF_TESTS"] == "from-the-shell"
    assert not {"SAMENSPEL_HTTP_PRT", "PGSSLMODE"} & given.keys()


async def test_died_daemon_differs_from_a_stopped_daemon(daemon: Daemon, tmp_path: Path) -> None:
    assert not daemon.has_died()
    process = daemon.start(SLEEPER, folder=tmp_path)
    assert not daemon.has_died()
    process.kill()
    await eventually(daemon.has_died)
    daemon.stop()
    assert not daemon.has_died()
