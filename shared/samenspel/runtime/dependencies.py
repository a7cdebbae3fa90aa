"""State of the dependencies of a service: PostgreSQL, Kafka and the keys of the token issuer.

``/readyz`` names each dependency that does not answer, with the reason. The log states each change at once, and a
lasting problem once a minute. Reasons name settings, never addresses or values: ``/readyz`` is public.
"""

import os
import socket
import time
from collections.abc import Callable, Mapping
from typing import Final, Literal

import structlog

from samenspel.runtime.log_limits import SECONDS_PER_LINE, open_causes
from samenspel.runtime.metrics import DEPENDENCY_UP

log = structlog.get_logger()

Name = Literal["database", "kafka", "issuer keys"]
NOT_REACHED: Final = "not reached yet"


def os_reason(error: OSError) -> str:
    """Text of the operating system for the error. asyncio writes addresses into the text of the error itself."""
    if isinstance(error, socket.gaierror):
        return "the name is not known"
    return (os.strerror(error.errno) if error.errno else type(error).__name__).lower()


class Dependency:
    """One dependency, as last seen. ``problem`` is None while the dependency answers."""

    def __init__(self, name: Name, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self.problem: str | None = NOT_REACHED
        self._clock = clock
        self._logged_at = -SECONDS_PER_LINE
        open_causes.add(name)
        DEPENDENCY_UP.labels(name).set(0)

    def works(self) -> None:
        """The dependency has answered."""
        if self.problem is not None:
            log.info("dependency answers", dependency=self.name)
            self.problem = None
            open_causes.discard(self.name)
            DEPENDENCY_UP.labels(self.name).set(1)

    def failed(self, reason: str) -> None:
        """The dependency does not answer, for this reason. The reason contains no number that changes."""
        now = self._clock()
        if reason != self.problem or now - self._logged_at >= SECONDS_PER_LINE:
            log.warning("dependency does not answer", dependency=self.name, reason=reason)
            self._logged_at = now
        self.problem = reason
        open_causes.add(self.name)
        DEPENDENCY_UP.labels(self.name).set(0)


class Dependencies:
    """The dependencies of one service."""

    def __init__(self) -> None:
        self.database = Dependency("database")
        self.kafka = Dependency("kafka")
        self.issuer_keys = Dependency("issuer keys")

    def problems(self) -> Mapping[str, str]:
        """The present problems by name of the dependency."""
        every = (self.database, self.kafka, self.issuer_keys)
        return {each.name: each.problem for each in every if each.problem is not None}
