"""The content of a storm: number of events, kinds and numbers of faults, in an order given by the seed."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from samenspel.contracts.topics import Service

FULL: Final[Mapping[str, int]] = {
    "kill service": 120,
    "kill PostgreSQL": 60,
    "kill Kafka": 20,
    "zombie": 16,
    "zombie with a lane locked": 16,
    "stop PostgreSQL": 6,
    "stop Kafka": 6,
    "slow": 4,
    "reset Kafka": 6,
    "reset PostgreSQL": 6,
    "half-open Kafka": 5,
    "half-open PostgreSQL": 5,
}
SMALL: Final[Mapping[str, int]] = {
    "kill service": 2,
    "kill PostgreSQL": 1,
    "kill Kafka": 1,
    "zombie with a lane locked": 1,
    "reset PostgreSQL": 1,
    "half-open Kafka": 1,
}


@dataclass(frozen=True, slots=True)
class Plan:
    """``events`` submissions, a share around each fault; ``instances`` is the number of instances per service.

    ``hostile``: another organisation floods every entry point meanwhile.
    """

    seed: int
    events: int
    faults: tuple[str, ...]
    instances: Mapping[Service, int]
    hostile: bool = False

    @classmethod
    def full(cls, seed: int, events: int, *, hostile: bool = False) -> Self:
        return cls(seed, events, _shuffled(FULL, seed), {"registry": 2, "funding": 2, "notifier": 2}, hostile)

    @classmethod
    def small(cls, seed: int, events: int) -> Self:
        """A part small enough for a test suite: two registries only."""
        return cls(seed, events, _shuffled(SMALL, seed), {"registry": 2})

    @property
    def share(self) -> int:
        """Events per fault."""
        return -(-self.events // len(self.faults))


def _shuffled(counts: Mapping[str, int], seed: int) -> tuple[str, ...]:
    faults = [kind for kind, times in counts.items() for _ in range(times)]
    random.Random(seed).shuffle(faults)
    return tuple(faults)
