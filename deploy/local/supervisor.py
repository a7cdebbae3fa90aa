"""``python -m deploy.local.supervisor HOME SERVICE…``: restarts a service after its process ended."""

import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, cast

import psutil
from samenspel.contracts.topics import Service

from deploy.local.home import CHECKOUT
from deploy.local.services import ALL, command_of, environment_of
from deploy.local.system import LocalSystem

FIRST_PAUSE_SECONDS: Final = 0.3
PAUSE_SECONDS_MAX: Final = 5.0
HEALTHY_AFTER_SECONDS: Final = 10.0
"""Uptime after which a service counts as healthy: the next restart then waits only `FIRST_PAUSE_SECONDS`."""


class Supervisor:
    """Keeps one process per service running. ``launch`` starts a process; ``stop`` stops a process and waits."""

    def __init__(self, launch: Callable[[Service], psutil.Process], stop: Callable[[Service], None]) -> None:
        self._launch = launch
        self._stop = stop
        self._stopping = threading.Event()
        self._launching = threading.Lock()

    def stop(self) -> None:
        """End `run`. Safe in a signal handler: the method only sets an event."""
        self._stopping.set()

    def run(self, services: Sequence[Service]) -> None:
        """Return after a call of `stop`, when all services have ended."""
        keepers = [threading.Thread(target=self._keep_running, args=[service]) for service in services]
        for keeper in keepers:
            keeper.start()
        self._stopping.wait()
        with self._launching:  # no launch is in progress, and none can begin after this
            stoppers = [threading.Thread(target=self._stop, args=[service]) for service in services]
        for stopper in stoppers:
            stopper.start()
        for thread in (*stoppers, *keepers):
            thread.join()

    def _keep_running(self, service: Service) -> None:
        pause = FIRST_PAUSE_SECONDS
        while (process := self._start(service)) is not None:
            started = time.monotonic()
            code = process.wait()
            if time.monotonic() - started > HEALTHY_AFTER_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            print(f"{service} ended ({code})", flush=True)
            self._stopping.wait(pause)
            pause = min(2 * pause, PAUSE_SECONDS_MAX)

    def _start(self, service: Service) -> psutil.Process | None:
        with self._launching:
            return None if self._stopping.is_set() else self._launch(service)


def main(home: Path, services: Sequence[Service]) -> None:
    system = LocalSystem(home)

    def launch(service: Service) -> psutil.Process:
        environment = environment_of(service, system.home, system.kafka.bootstrap, system.databases)
        daemon = system.services.daemon(service)
        return daemon.start(command_of(service), folder=CHECKOUT, environment=environment)

    supervisor = Supervisor(launch, lambda service: system.services.daemon(service).stop())
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: supervisor.stop())
    supervisor.run(services)


if __name__ == "__main__":
    main(Path(sys.argv[1]), cast(list[Service], [name for name in sys.argv[2:] if name in ALL]))
