"""A process with a death at a named point, as seen from the database: the transaction never ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from samenspel.messaging.ingress import kafka_receiver
from samenspel.messaging.projections import projector
from samenspel.runtime import failpoints

from tests.support.service_schema import Room

POINTS_MAX = 100


class Died(OSError):
    """The connection is gone, with the process."""


@contextmanager
def dying_at(number: int) -> Iterator[list[str]]:
    """Die after this number of points; yields the names of the points."""
    reached: list[str] = []

    def reach(name: str) -> None:
        reached.append(name)
        if len(reached) == number:
            raise Died(name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(failpoints, "reached", reach)
        for module in (kafka_receiver, projector):
            patch.setattr(module, "PAUSE_SECONDS", 0)
        yield reached


async def deaths_of(room: Room, attempt: Any) -> list[str]:
    """Die at the first point, then at the second, and so on until completion; returns all points passed."""
    before = await room.contents()
    for number in range(1, POINTS_MAX):
        with dying_at(number) as reached:
            done = await attempt()
        if done:
            return reached
        assert await room.contents() == before, f"died at {reached[-1]}, and something was left"
    raise AssertionError("it never went through")
