"""A file system of a test's own, small enough to be filled."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

MEGABYTE = 2**20


class SmallDisk:
    """Mounted at ``folder``, with the former content."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """Leave not a byte."""
        with self._ballast.open("wb") as ballast:
            free = shutil.disk_usage(self._folder).free
            os.posix_fallocate(ballast.fileno(), 0, max(1, free))

    def make_room(self) -> None:
        self._ballast.unlink(missing_ok=True)


@contextmanager
def small_disk(folder: Path, room: int) -> Iterator[SmallDisk]:
    """Move the content of ``folder`` to a disk (a tmpfs) with ``room`` bytes more. No process may have the folder
    open.

    Skips without the right to mount (root).
    """
    aside = folder.with_name(folder.name + "-aside")
    subprocess.run(["cp", "-a", folder, aside], check=True)
    used = sum(path.stat().st_blocks * 512 for path in aside.rglob("*") if path.is_file())
    options = f"size={used + room},mode=700"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        shutil.rmtree(aside)
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.decode().strip()}")
    try:
        subprocess.run(["cp", "-a", f"{aside}/.", folder], check=True)
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        shutil.rmtree(aside)
