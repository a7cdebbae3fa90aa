"""The home: the one folder that holds everything of a local system, and the lock that guards it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from deploy.local.errors import SurroundingsMissing

CHECKOUT: Final = Path(__file__).resolve().parents[2]
CACHE: Final = CHECKOUT / ".samenspel" / "cache"
PRIVATE: Final = 0o700
PASSABLE: Final = 0o711
"""Others may pass through but not look: PostgreSQL may run under another account (see `accounts`)."""


@dataclass(frozen=True, slots=True)
class Home:
    path: Path

    @classmethod
    def find(cls) -> Self:
        """The home named in ``SAMENSPEL_HOME``, else ``.samenspel`` in the checkout."""
        return cls(Path(os.environ.get("SAMENSPEL_HOME") or CHECKOUT / ".samenspel").absolute())

    @property
    def kafka(self) -> Path:
        return self.path / "kafka"

    @property
    def kafka_data(self) -> Path:
        return self.path / "kafka-data"

    @property
    def postgres(self) -> Path:
        return self.path / "postgres"

    @property
    def secrets(self) -> Path:
        return self.path / "secrets"

    @property
    def profile(self) -> Path:
        return self.path / "profile"

    @property
    def ports(self) -> Path:
        return self.path / "ports.json"

    def log(self, piece: str) -> Path:
        return self.path / "log" / f"{piece}.log"

    def record(self, piece: str) -> Path:
        """The file that says under which pid a piece runs."""
        return self.path / "run" / f"{piece}.json"

    def make(self) -> None:
        """Make the folders that are not there, readable by their owner only."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self.path.chmod(PASSABLE)
            for name in ("kafka", "secrets", "profile", "log", "run"):
                (self.path / name).mkdir(exist_ok=True)
                (self.path / name).chmod(PRIVATE)
        except OSError as error:
            raise SurroundingsMissing(
                f"cannot make {self.path} ({error.strerror}): name another folder in SAMENSPEL_HOME"
            ) from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the home for one command; another command on the same home waits."""
        self.path.mkdir(parents=True, exist_ok=True)
        descriptor = _lock(self.path / "lock")
        try:
            yield
        finally:
            os.close(descriptor)


def _lock(path: Path) -> int:
    """Lock the file that bears this name *now*: `reset` may have removed the one that was waited for."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if path.exists() and os.path.samestat(path.stat(), os.fstat(descriptor)):
            return descriptor
        os.close(descriptor)
