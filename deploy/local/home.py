"""The home: the one folder that holds everything of a local system, and the lock that guards it."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from deploy.local.errors import EnvironmentUnavailable

CHECKOUT: Final = Path(__file__).resolve().parents[2]
CACHE: Final = CHECKOUT / ".samenspel" / "cache"
PRIVATE: Final = 0o700
TRAVERSABLE: Final = 0o711
"""Others may pass through but not look: PostgreSQL may run under another account (see `accounts`)."""
FREE_BYTES_MIN: Final = 1_000_000_000
"""Bytes that must be free on the disk to start."""


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

    @property
    def _lock(self) -> Path:
        return self.path / "lock"

    def log(self, piece: str) -> Path:
        return self.path / "log" / f"{piece}.log"

    def record(self, piece: str) -> Path:
        """The file that says under which pid a piece runs."""
        return self.path / "run" / f"{piece}.json"

    def make(self) -> None:
        """Make the folders that are not there, readable by their owner only. Raises as `locked` does."""
        self._make_root()
        self._lock.touch(mode=0o600)
        self.path.chmod(TRAVERSABLE)
        for name in ("kafka", "secrets", "profile", "log", "run"):
            (self.path / name).mkdir(exist_ok=True)
            (self.path / name).chmod(PRIVATE)

    def remove(self) -> None:
        """Throw away all that is in it; of the checkout's own home the cache stays.

        The lock goes last: from then on another command may make the home anew.
        """
        for child in self.path.iterdir():
            if child in (CACHE, self._lock):
                continue
            if child.is_dir() and not child.is_symlink():
                shutil.rmtree(child)
            else:
                child.unlink()
        self._lock.unlink()
        with suppress(OSError):
            self.path.rmdir()

    @contextmanager
    def staging_folder(self, name: str) -> Iterator[Path]:
        """An empty folder in which to make what must appear whole or not at all: make it, then rename it.

        What a crash left in it is thrown away.
        """
        staging = self.path / f"new-{name}"
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(mode=PRIVATE)
        try:
            yield staging
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold it, made, for one command; another command on the same home waits.

        Raises SurroundingsMissing where no folder can be made, or for one that holds other things: `remove`
        would take them along.
        """
        descriptor = self._wait_for_lock()
        try:
            self.make()
            yield
        finally:
            os.close(descriptor)

    def require_free_space(self) -> None:
        """Raise SurroundingsMissing when the disk is too full to start."""
        free = shutil.disk_usage(self.path).free
        if free < FREE_BYTES_MIN:
            raise EnvironmentUnavailable(
                f"the disk of {self.path} has {free // 1_000_000} MB left: make room (1 GB), "
                "or name a folder on another disk in SAMENSPEL_HOME"
            )

    def _wait_for_lock(self) -> int:
        """Lock the file that bears this name *now*: `remove` may have taken the one that was waited for."""
        while True:
            self._make_root()
            with suppress(FileNotFoundError):
                descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                if self._lock.exists() and os.path.samestat(self._lock.stat(), os.fstat(descriptor)):
                    return descriptor
                os.close(descriptor)

    def _make_root(self) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EnvironmentUnavailable(
                f"cannot make {self.path} ({error.strerror}): name another folder in SAMENSPEL_HOME"
            ) from error
        if self.path != CACHE.parent and any(self.path.iterdir()) and not self._lock.exists():
            raise EnvironmentUnavailable(
                f"{self.path} holds other things: name a new folder in SAMENSPEL_HOME, for Samenspel only"
            )
