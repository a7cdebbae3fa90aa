"""Service processes with an end at a named point: forked from a process with all imports done.

A fork costs milliseconds, a new interpreter a second. The forked process stops at the chosen point, before the
following await, and the runner decides about the continuation.
"""

import importlib
import multiprocessing
import os
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from samenspel.contracts.topics import DOMAIN_OF, Service
from samenspel.runtime import failpoints

from tests.support.waiting import eventually

NURSERY: Final = multiprocessing.get_context("forkserver")
NURSERY.set_forkserver_preload([__name__, *(f"services.{service}.app" for service in DOMAIN_OF)])


@dataclass(frozen=True, slots=True)
class Moment:
    """The occurrence of a point, counted from the request to the process."""

    point: str
    times: int = 1


class Knife:
    """Stands in for `points.reached` in the forked process, and hears from the runner over ``control``."""

    def __init__(self, control: "Connection[Any, Any]", moment: Moment | None) -> None:
        self._control = control
        self._moment = moment
        self._seen = 0

    def reached(self, point: str) -> None:
        if self._control.poll():
            self._moment, self._seen = self._heard(), 0
        if self._moment is None or point != self._moment.point:
            return
        self._seen += 1
        if self._seen == self._moment.times:
            self._moment = None
            self._control.send(point)
            self._heard()

    def _heard(self) -> Moment | None:
        try:
            heard: Moment | None = self._control.recv()
        except EOFError:
            os._exit(1)  # the runner is no more: nobody would end this process
        return heard


def _live(
    service: Service,
    environment: Mapping[str, str],
    log: Path,
    control: "Connection[Any, Any]",
    moment: Moment | None,
) -> None:
    os.environ.update(environment)
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    failpoints.reached = Knife(control, moment).reached
    importlib.import_module(f"services.{service}.app").run()


class Life:
    """A process of a service, killed by its creator. ``environment`` holds the service's settings."""

    def __init__(
        self, service: Service, environment: Mapping[str, str], log: Path, moment: Moment | None = None
    ) -> None:
        self._control, theirs = NURSERY.Pipe()
        self._process = NURSERY.Process(target=_live, args=(service, environment, log, theirs, moment), daemon=True)
        self._process.start()
        theirs.close()
        self._service = service

    @property
    def has_ended(self) -> bool:
        return self._process.exitcode is not None

    def stop_at(self, moment: Moment) -> None:
        """From now on: stop at this point."""
        self._control.send(moment)

    async def reaches(self, moment: Moment, seconds: float = 150) -> None:
        """Wait until the process stops at the requested point."""

        def stands() -> bool:
            if self._control.poll():
                return bool(self._control.recv() == moment.point)
            return False

        try:
            await eventually(stands, seconds, f"{self._service} at {moment}")
        except EOFError:
            raise AssertionError(f"{self._service} ended by itself before {moment}") from None

    def go_on(self) -> None:
        self._control.send(None)

    def kill(self) -> None:
        self._process.kill()
        self._process.join()
        self._control.close()
