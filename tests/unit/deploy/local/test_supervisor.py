"""The supervisor restarts a dead service."""

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from samenspel.contracts.topics import Service

from deploy.local.process import Daemon
from deploy.local.supervisor import Supervisor
from tests.support.waiting import eventually

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]


class Stage:
    """Processes in the place of services."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.launched: list[Service] = []

    def daemon(self, service: Service) -> Daemon:
        return Daemon(self.folder / f"{service}.json", self.folder / f"{service}.log")

    def launch(self, service: Service) -> psutil.Process:
        self.launched.append(service)
        return self.daemon(service).start(SLEEPER, folder=self.folder)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


@pytest.fixture
def supervisor(stage: Stage) -> Iterator[Supervisor]:
    supervisor = Supervisor(stage.launch, lambda service: stage.daemon(service).stop())
    thread = threading.Thread(target=supervisor.run, args=[["registry", "funding"]])
    thread.start()
    yield supervisor
    supervisor.stop()
    thread.join(timeout=10)
    assert not thread.is_alive()


async def test_dead_service_is_restarted_and_the_other_stays(supervisor: Supervisor, stage: Stage) -> None:
    await eventually(lambda: stage.daemon("registry").process() and stage.daemon("funding").process())
    other = stage.daemon("funding").process()
    stage.daemon("registry").kill()
    await eventually(lambda: stage.launched.count("registry") == 2 and stage.daemon("registry").process())
    assert stage.daemon("funding").process() == other


async def test_stop_of_the_supervisor_ends_every_service(supervisor: Supervisor, stage: Stage) -> None:
    await eventually(lambda: stage.daemon("registry").process() and stage.daemon("funding").process())
    supervisor.stop()
    await eventually(lambda: not stage.daemon("registry").process() and not stage.daemon("funding").process())
    assert sorted(stage.launched) == ["funding", "registry"]
