"""Kafka's jars: downloaded once with Maven, and shared by all homes of the checkout."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from deploy.local.errors import EnvironmentUnavailable
from deploy.local.home import CACHE
from deploy.local.kafka_node.java import find_maven
from deploy.local.progress import Progress

POM: Final = Path(__file__).parent / "pom.xml"
JARS_EXPECTED: Final = 80
"""Approximate number of jars that Maven downloads on a new machine, plugins included; for the progress bar only."""


def kafka_version() -> str:
    return ElementTree.parse(POM).findtext("{*}version", default="")


def cached_jars() -> Path:
    """The folder of the jars, existing or not."""
    return CACHE / f"kafka-{kafka_version()}"


def drop_cache() -> None:
    """Delete the jars; the next start downloads the jars again."""
    shutil.rmtree(CACHE, ignore_errors=True)


def resolve(progress: Progress) -> Path:
    """The folder with the jars. A download creates the folder atomically. Raises EnvironmentUnavailable."""
    folder = cached_jars()
    if folder.exists():
        return folder
    maven = find_maven()
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="resolving-") as temporary:
        complete = Path(temporary) / "jars"
        _copy_dependencies(maven, complete, progress)
        if not folder.exists():
            complete.rename(folder)
    return folder


def _copy_dependencies(maven: Path, into: Path, progress: Progress) -> None:
    command = [
        str(maven),
        "--batch-mode",
        f"--file={POM}",
        "dependency:copy-dependencies",
        f"-DoutputDirectory={into}",
    ]
    run = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True
    )
    assert run.stdout is not None
    downloaded, first_error = 0, ""
    with run:
        for line in run.stdout:
            if re.search(r"Downloaded from .*\.jar", line):
                downloaded += 1
                progress("kafka", f"downloading, {downloaded} jars", min(downloaded / JARS_EXPECTED, 0.99) * 0.5)
            elif line.startswith("[ERROR]") and not first_error:
                first_error = line.removeprefix("[ERROR]").strip()
    if run.returncode != 0:
        shutil.rmtree(into, ignore_errors=True)
        raise EnvironmentUnavailable(f"Maven could not download Kafka; first error: {first_error or 'none reported'}")
