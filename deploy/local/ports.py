"""Ports: set in the environment or chosen once, and saved in the home."""

import json
import os
import random
import socket
import threading
from pathlib import Path
from typing import Final, Literal, TypedDict, get_args

from samenspel.client.access.private_files import write_private

from deploy.local.errors import EnvironmentUnavailable

Listener = Literal["kafka", "kafka_controller", "postgres", "registry", "funding", "notifier"]
LISTENERS: Final[tuple[Listener, ...]] = get_args(Listener)
LOOPBACK: Final = "127.0.0.1"
PORT_RANGE: Final = range(15_000, 32_000)
"""Below the ephemeral range of every system: no outgoing connection can take a port during a restart."""
_claim_lock: Final = threading.Lock()


class PortEntry(TypedDict):
    port: int
    given: bool


class Ports:
    def __init__(self, file: Path) -> None:
        self._file = file

    def remembered(self, listener: Listener) -> int | None:
        """The port of the last start of ``listener``; None before the first start."""
        entry = self._read().get(listener)
        return entry["port"] if entry else None

    def claim(self, listener: Listener) -> int:
        """A free port for a stopped listener; the port is saved.

        Raises EnvironmentUnavailable as `require_available` does.
        """
        with _claim_lock:
            self.require_available(listener)
            entries = self._read()
            entry = self._requested_or_saved(listener)
            if entry is None or is_taken(entry["port"]):
                others = {other["port"] for other in entries.values()}
                entry = PortEntry(port=_choose_free_port(excluded=others), given=False)
            write_private(self._file, json.dumps({**entries, listener: entry}, indent=2))
            return entry["port"]

    def require_available(self, listener: Listener) -> None:
        """Raise EnvironmentUnavailable if another program uses the port in the listener's environment variable."""
        entry = self._requested_or_saved(listener)
        if entry and entry["given"] and is_taken(entry["port"]):
            raise EnvironmentUnavailable(
                f"port {entry['port']} for {listener} is used by another program: "
                f"stop that program, or set {variable(listener)} to another port"
            )

    def _requested_or_saved(self, listener: Listener) -> PortEntry | None:
        """The port in the environment, else the saved port."""
        given = os.environ.get(variable(listener))
        return _requested(listener, given) if given else self._read().get(listener)

    def _read(self) -> dict[str, PortEntry]:
        try:
            entries: dict[str, PortEntry] = json.loads(self._file.read_text())
        except FileNotFoundError:
            return {}
        return entries


def variable(listener: Listener) -> str:
    """The environment variable for the port of ``listener``."""
    return f"SAMENSPEL_{listener.upper()}_PORT"


def is_taken(port: int) -> bool:
    """Whether a process cannot listen on ``port`` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return True
    return False


def is_open(port: int) -> bool:
    """Whether a process accepts connections on ``port``."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def _requested(listener: Listener, text: str) -> PortEntry:
    if not text.isdecimal() or not 0 < int(text) < 65_536:
        raise EnvironmentUnavailable(f"{variable(listener)} must be a port from 1 to 65535, not '{text}'")
    return PortEntry(port=int(text), given=True)


def _choose_free_port(*, excluded: set[int]) -> int:
    for port in random.sample(PORT_RANGE, k=100):
        if port not in excluded and not is_taken(port):
            return port
    raise EnvironmentUnavailable(f"no free port between {PORT_RANGE.start} and {PORT_RANGE.stop}")
