"""Kafka's classes as the JVM has them in memory, archived once a checkout and mapped at every later start.

Without it each start unpacks and checks some ten thousand classes anew: a third of its CPU time, and what everybody
waits for while a broker comes back. The JVM writes the archive as it ends, and takes no notice of one that does not
fit the jars it is given.
"""

import os
import shutil
from pathlib import Path

from deploy.local.home import CACHE, Home


def option(jars: Path, java: Path, home: Home) -> str:
    """What tells the JVM to map the archive of these jars, or to make one in the home when there is none.

    What a JVM that was killed left half made is thrown away.
    """
    for left in home.kafka.glob("*.jsa"):
        left.unlink()
    archive = CACHE / f"{jars.name}-java-{java.resolve().stat().st_mtime_ns:x}.jsa"
    if archive.exists():
        return f"-XX:SharedArchiveFile={archive}"
    return f"-XX:ArchiveClassesAtExit={home.kafka / archive.name}"


def keep(home: Home) -> None:
    """Take over what a JVM that ended made; it appears in the cache whole or not at all."""
    CACHE.mkdir(parents=True, exist_ok=True)
    for made in home.kafka.glob("*.jsa"):
        copy = CACHE / f"{made.name}.{os.getpid()}"
        shutil.copyfile(made, copy)
        copy.rename(CACHE / made.name)
        made.unlink()
