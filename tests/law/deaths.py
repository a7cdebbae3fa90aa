"""A process that dies at a named moment, as seen from its database: the transaction is never heard of again."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from samenspel.messaging.ingress import kafka_receiver
from samenspel.messaging.projections import projector
from samenspel.runtime import failpoints


class Died(OSError):
    """The connection is gone, and whoever held it."""


@contextmanager
def dying_at(number: int) -> Iterator[list[str]]:
    """Die when so many points have been reached; gives the names of those reached."""
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
