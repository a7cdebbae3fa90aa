"""Background processes that keep running after the starting command ends."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil
from samenspel.client.access.private_files import write_private

POLL_SECONDS: Final = 0.02
KILL_SECONDS_MAX: Final = 10.0
LINE_CHARS_MAX: Final = 300
CLOCK_TOLERANCE_SECONDS: Final = 2.0
"""Allowed difference in a process' start time, because the machine's clock may be adjusted."""


@dataclass(frozen=True, slots=True)
class Daemon:
    """A background process, identified by recorded pid and start time: a reused pid belongs to another process."""

    record: Path
    log: Path

    def start(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str] | None = None,
    ) -> psutil.Process:
        """Start the process in a new session, so that Ctrl-C in a terminal does not stop the process."""
        with self.log.open("ab") as log:
            child = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        child.returncode = 0  # prevents the warning of Popen about a child that still runs
        process = psutil.Process(child.pid)
        write_private(self.record, json.dumps({"pid": process.pid, "started": process.create_time()}))
        return process

    def process(self) -> psutil.Process | None:
        """The running process, or None. A stale record is kept."""
        try:
            recorded = json.loads(self.record.read_text())
            process = psutil.Process(recorded["pid"])
            if abs(process.create_time() - recorded["started"]) < CLOCK_TOLERANCE_SECONDS and _is_alive(process):
                return process
        except (FileNotFoundError, ValueError, KeyError, psutil.NoSuchProcess):
            return None
        return None

    def stop(self, *, with_signal: signal.Signals = signal.SIGTERM, timeout_seconds: float = 30) -> None:
        """Send ``with_signal``; SIGKILL processes that still run after ``timeout_seconds``."""
        process = self.process()
        if process is None:
            return
        tree = _process_tree(process)
        process.send_signal(with_signal)
        _kill(_wait_for_end(tree, timeout_seconds))
        self.record.unlink(missing_ok=True)

    def kill(self) -> None:
        """SIGKILL the process and all child processes."""
        process = self.process()
        if process is not None:
            _kill(_process_tree(process))
        self.record.unlink(missing_ok=True)

    def last_lines(self, count: int = 15) -> str:
        """The end of the log, to show why a start failed."""
        try:
            lines = self.log.read_text(errors="replace").splitlines()
            return "\n".join(line[:LINE_CHARS_MAX] for line in lines[-count:])
        except FileNotFoundError:
            return ""


def _is_alive(process: psutil.Process) -> bool:
    """Whether the process runs. A zombie has ended, even if its parent never reaps it (pid 1 of a container).

    A zombie with other threads still runs: such a thread keeps files and ports open, also after a SIGKILL.
    """
    try:
        is_zombie = process.status() == psutil.STATUS_ZOMBIE
        return process.is_running() and (not is_zombie or process.num_threads() > 1)
    except psutil.NoSuchProcess:
        return False


def _wait_for_end(processes: Sequence[psutil.Process], timeout_seconds: float) -> list[psutil.Process]:
    """The processes that still run after ``timeout_seconds``. Ended children of this process are reaped."""
    deadline = time.monotonic() + timeout_seconds
    while (alive := [process for process in processes if _is_alive(process)]) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    for process in processes:
        with suppress(ChildProcessError):
            os.waitpid(process.pid, os.WNOHANG)
    return alive


def _process_tree(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return [process]


def _kill(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    _wait_for_end(processes, KILL_SECONDS_MAX)
