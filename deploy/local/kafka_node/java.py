"""Java and Maven of the machine: search and version check."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from deploy.local.errors import EnvironmentUnavailable

OLDEST_JAVA: Final = 17
INSTALL_JAVA: Final = "install it (Debian: apt install openjdk-17-jre-headless; macOS: brew install openjdk)"
INSTALL_MAVEN: Final = "install it (Debian: apt install maven; macOS: brew install maven)"


def find_java() -> Path:
    """Java in JAVA_HOME, else on the path. Raises EnvironmentUnavailable if absent or older than 17."""
    java_home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{java_home}/bin") if java_home else shutil.which("java")
    if found is None:
        where = f"JAVA_HOME ({java_home}) contains no Java" if java_home else "Java is not on the path"
        raise EnvironmentUnavailable(f"{where}: Kafka needs Java {OLDEST_JAVA} or newer, {INSTALL_JAVA}")
    version = _version(found)
    if version < OLDEST_JAVA:
        raise EnvironmentUnavailable(
            f"Java {version} at {found} is too old: Kafka needs {OLDEST_JAVA} or newer, "
            f"{INSTALL_JAVA} or set JAVA_HOME"
        )
    return Path(found)


def find_maven() -> Path:
    """Maven on the path. Raises EnvironmentUnavailable if absent."""
    found = shutil.which("mvn")
    if found is None:
        raise EnvironmentUnavailable(f"Maven is not on the path: Maven downloads Kafka, {INSTALL_MAVEN}")
    return Path(found)


def _version(java: str) -> int:
    """The major version; 0 if Java does not run or prints no version."""
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return 0
    match = re.search(r'version "(?:1\.)?(\d+)', answer.stderr)
    return int(match.group(1)) if match else 0
