"""``python -m deploy.local.supervisor HOME SERVICE…``: starts a service again when it has died."""

import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, cast

import psutil
from samenspel.contracts.topics import Service

from deploy.local.home import CHECKOUT
from deploy.local.services import ALL, command_of, environment_of
from deploy.local.system import LocalSystem

FIRST_PAUSE: Final = 0.3
LONGEST_PAUSE: Final = 5.0
SOUND_AFTER: Final = 10.0
"""Seconds after which a service counts as well started: its next death gets the first pause again."""


class Supervisor:
    def __init__(self, system: LocalSystem) -> None:
        self._system = system
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        """Held while a service is started: none may be started once the stopping has begun."""

    def run(self, services: Sequence[Service]) -> None:
        """Keep these services until SIGTERM or SIGINT comes."""
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: self._stopping.set())
        keepers = [threading.Thread(target=self._keep, args=[service]) for service in services]
        for keeper in keepers:
            keeper.start()
        self._stopping.wait()
        with self._lock:
            running = [self._system.services.daemon(service) for service in services]
        for stopper in [threading.Thread(target=daemon.stop) for daemon in running]:
            stopper.start()
        for keeper in keepers:
            keeper.join()

    def _keep(self, service: Service) -> None:
        pause = FIRST_PAUSE
        while (process := self._start(service)) is not None:
            started = time.monotonic()
            code = process.wait()
            if time.monotonic() - started > SOUND_AFTER:
                pause = FIRST_PAUSE
            print(f"{service} ended ({code}); again in {pause:.1f} s", flush=True)
            self._stopping.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _start(self, service: Service) -> psutil.Process | None:
        with self._lock:
            if self._stopping.is_set():
                return None
            environment = environment_of(
                service, self._system.home, self._system.kafka.bootstrap, self._system.databases
            )
            daemon = self._system.services.daemon(service)
            return daemon.start(command_of(service), folder=CHECKOUT, environment=environment)


if __name__ == "__main__":
    wanted = cast(list[Service], [name for name in sys.argv[2:] if name in ALL])
    Supervisor(LocalSystem(Path(sys.argv[1]))).run(wanted)
