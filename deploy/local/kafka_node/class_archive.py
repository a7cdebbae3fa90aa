"""Class data sharing: Kafka's classes are archived once per checkout and mapped into memory at every later start.

Without an archive each start loads and verifies some ten thousand classes, a third of the CPU time of a start. The
JVM writes the archive at exit. A failure to create or store the archive only makes the next start slower.
"""

import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Final

from deploy.local.errors import EnvironmentUnavailable
from deploy.local.home import CACHE, Home
from deploy.local.kafka_node.jars import cached_jars
from deploy.local.kafka_node.java import find_java

VERIFY_SECONDS_MAX: Final = 30


def jvm_option(java: Path, home: Home) -> str:
    """JVM option to map the existing archive, or to create an archive in the home."""
    archive = CACHE / f"{cached_jars().name}-java-{java.resolve().stat().st_mtime_ns:x}.jsa"
    if archive.exists():
        return f"-XX:SharedArchiveFile={archive}"
    return f"-XX:ArchiveClassesAtExit={home.kafka / archive.name}"


def adopt_archives(home: Home) -> None:
    """Move the archives in the home to the cache, after a JVM has verified each archive."""
    for made in home.kafka.glob("*.jsa"):
        with suppress(OSError, EnvironmentUnavailable, subprocess.SubprocessError):
            if _is_whole(made):
                _copy_to_cache(made)
            made.unlink()


def _is_whole(archive: Path) -> bool:
    """Whether a JVM can map and verify the archive. A separate JVM checks, because a truncated archive crashes it."""
    silently = ("-XX:-CreateCoredumpOnCrash", f"-XX:ErrorFile={os.devnull}")
    proving = ("-Xshare:on", "-XX:+VerifySharedSpaces", f"-XX:SharedArchiveFile={archive}")
    command = [str(find_java()), *silently, *proving, "-cp", f"{cached_jars()}/*", "-version"]
    return subprocess.run(command, capture_output=True, timeout=VERIFY_SECONDS_MAX).returncode == 0


def _copy_to_cache(archive: Path) -> None:
    """Copy atomically and durably: write a temporary file, fsync, rename."""
    copy = CACHE / f"{archive.name}.{os.getpid()}"
    try:
        shutil.copyfile(archive, copy)
        with copy.open("rb+") as written:
            os.fsync(written.fileno())
        copy.rename(CACHE / archive.name)
    finally:
        copy.unlink(missing_ok=True)
