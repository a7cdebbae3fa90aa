"""Lives of services that end at a named moment: forked from a process that has imported everything.

A fork costs milliseconds where a new interpreter costs a second. The forked process reaches its points by itself; at
the one that it was told of it stops, before the await that follows, and the runner decides whether it goes on.
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
    """The time that a point is reached, counted from when a life hears of it."""

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
    """One process of a service; whoever began it kills it. ``environment`` is what the service is told."""

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
        """From now on: stop when that point is reached."""
        self._control.send(moment)

    async def reaches(self, moment: Moment, seconds: float = 150) -> None:
        """Wait until it stands at the point that it was told of."""

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
