"""The home: the folder with all files of a local system, and the lock on this folder."""

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
"""Other accounts may traverse the folder but not list it: PostgreSQL may run as another account (see `accounts`)."""
FREE_BYTES_MIN: Final = 1_000_000_000
"""Free bytes on the disk that a start requires."""


@dataclass(frozen=True, slots=True)
class Home:
    path: Path

    @classmethod
    def find(cls) -> Self:
        """The home in ``SAMENSPEL_HOME``; default: ``.samenspel`` in the checkout."""
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

    def log(self, component: str) -> Path:
        return self.path / "log" / f"{component}.log"

    def record(self, component: str) -> Path:
        """The file with pid and start time of a component."""
        return self.path / "run" / f"{component}.json"

    def make(self) -> None:
        """Create the missing folders, readable by the owner only. Raises as `locked` does."""
        self._make_root()
        self._lock.touch(mode=0o600)
        self.path.chmod(TRAVERSABLE)
        for name in ("kafka", "secrets", "profile", "log", "run"):
            (self.path / name).mkdir(exist_ok=True)
            (self.path / name).chmod(PRIVATE)

    def remove(self) -> None:
        """Delete all content; the default home keeps the cache of the checkout.

        The lock is deleted last, because another command may create the home again after that.
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
        """An empty folder for content that must appear atomically: create the content there, then rename it.

        Content of a crashed earlier attempt is deleted.
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
        """Create and lock the home for one command; another command on the same home waits.

        Raises EnvironmentUnavailable if the folder cannot be created or contains other files, which `remove` would
        delete.
        """
        descriptor = self._wait_for_lock()
        try:
            self.make()
            yield
        finally:
            os.close(descriptor)

    def require_free_space(self) -> None:
        """Raise EnvironmentUnavailable if the disk has less than `FREE_BYTES_MIN` free."""
        free = shutil.disk_usage(self.path).free
        if free < FREE_BYTES_MIN:
            raise EnvironmentUnavailable(
                f"the disk of {self.path} has {free // 1_000_000} MB free: free 1 GB, "
                "or set SAMENSPEL_HOME to a folder on another disk"
            )

    def _wait_for_lock(self) -> int:
        """Lock the current lock file: `remove` may have replaced the file during the wait for the lock."""
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
                f"cannot create {self.path} ({error.strerror}): set SAMENSPEL_HOME to another folder"
            ) from error
        if self.path != CACHE.parent and any(self.path.iterdir()) and not self._lock.exists():
            raise EnvironmentUnavailable(
                f"{self.path} contains other files: set SAMENSPEL_HOME to a new folder, for Samenspel only"
            )
