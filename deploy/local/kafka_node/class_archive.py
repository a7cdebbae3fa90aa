"""Kafka's classes as the JVM has them in memory, archived once a checkout and mapped at every later start.

Without it each start unpacks and checks some ten thousand classes anew: a third of its CPU time, and what everybody
waits for while a broker comes back. The JVM writes the archive as it ends; whatever keeps one from being made or
kept costs the next start that time, and nothing else.
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
    """What tells the JVM to map the archive of Kafka's jars, or to make one in the home when there is none."""
    archive = CACHE / f"{cached_jars().name}-java-{java.resolve().stat().st_mtime_ns:x}.jsa"
    if archive.exists():
        return f"-XX:SharedArchiveFile={archive}"
    return f"-XX:ArchiveClassesAtExit={home.kafka / archive.name}"


def adopt_archives(home: Home) -> None:
    """Take over what a JVM that ended has made, once another one has found it whole."""
    for made in home.kafka.glob("*.jsa"):
        with suppress(OSError, EnvironmentUnavailable, subprocess.SubprocessError):
            if _is_whole(made):
                _copy_to_cache(made)
            made.unlink()


def _is_whole(archive: Path) -> bool:
    """A JVM that maps one that was cut off crashes; so one that does nothing else tries, and reads all of it."""
    silently = ("-XX:-CreateCoredumpOnCrash", f"-XX:ErrorFile={os.devnull}")
    proving = ("-Xshare:on", "-XX:+VerifySharedSpaces", f"-XX:SharedArchiveFile={archive}")
    command = [str(find_java()), *silently, *proving, "-cp", f"{cached_jars()}/*", "-version"]
    return subprocess.run(command, capture_output=True, timeout=VERIFY_SECONDS_MAX).returncode == 0


def _copy_to_cache(archive: Path) -> None:
    """It appears in the cache whole, and on the disk, or not at all."""
    copy = CACHE / f"{archive.name}.{os.getpid()}"
    try:
        shutil.copyfile(archive, copy)
        with copy.open("rb+") as written:
            os.fsync(written.fileno())
        copy.rename(CACHE / archive.name)
    finally:
        copy.unlink(missing_ok=True)
