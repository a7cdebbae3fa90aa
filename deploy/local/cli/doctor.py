"""Checks of the requirements of the local system."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from deploy.local.errors import EnvironmentUnavailable, LocalSystemError
from deploy.local.kafka_node.jars import cached_jars, kafka_version
from deploy.local.kafka_node.java import find_java, find_maven
from deploy.local.kafka_node.storage import require_usable
from deploy.local.ports import LISTENERS
from deploy.local.postgres_node.databases import NAMED_SERVER
from deploy.local.postgres_node.server import binaries
from deploy.local.system import LocalSystem


@dataclass(frozen=True, slots=True)
class Finding:
    subject: str
    healthy: bool
    text: str
    """The result; for an unhealthy subject: one sentence with the action to take."""


def examine(system: LocalSystem) -> Iterator[Finding]:
    """One finding per requirement. The only side effect: the folders of the home are created."""
    checks: dict[str, Callable[[LocalSystem], str]] = {
        "python": _python,
        "java": lambda _: str(find_java()),
        "kafka": _kafka_jars,
        "kafka data": _kafka_data,
        "postgresql": _postgresql,
        "home": _home,
        "ports": _ports,
        "running": _running,
    }
    for subject, check in checks.items():
        try:
            yield Finding(subject, True, check(system))
        except LocalSystemError as error:
            yield Finding(subject, False, str(error))


def _python(_: LocalSystem) -> str:
    return f"{sys.version.split()[0]} at {sys.executable}"


def _kafka_jars(_: LocalSystem) -> str:
    if cached_jars().exists():
        return f"{kafka_version()} in {cached_jars()}"
    return f"{kafka_version()} will be downloaded with {find_maven()}"


def _kafka_data(system: LocalSystem) -> str:
    require_usable(system.home.kafka_data)
    return str(system.home.kafka_data)


def _postgresql(system: LocalSystem) -> str:
    if os.environ.get(NAMED_SERVER):
        return f"the server in {NAMED_SERVER}"
    system.home.make()
    system.postgres.account()
    try:
        answer = subprocess.run(
            [binaries() / "postgres", "--version"], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise EnvironmentUnavailable(
            f"the PostgreSQL of the wheel does not run on this machine ({error}): set {NAMED_SERVER}"
        ) from None
    return answer.stdout.strip()


def _home(system: LocalSystem) -> str:
    system.home.make()
    system.home.require_free_space()
    return f"{system.home.path}, {shutil.disk_usage(system.home.path).free // 1_000_000_000} GB free"


def _ports(system: LocalSystem) -> str:
    ports = {name: system.ports.remembered(name) for name in LISTENERS}
    for name in system.stopped_listeners():
        system.ports.require_available(name)
    return ", ".join(f"{name} {port or 'not chosen yet'}" for name, port in ports.items())


def _running(system: LocalSystem) -> str:
    running = [name for name, daemon in system.daemons().items() if daemon.process()]
    return ", ".join(running) or "nothing"
