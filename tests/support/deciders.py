"""Deciders of a registry for tests: pause before saving, wait for an aggregate, fail."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from samenspel.contracts.catalogue import AggregateRef, type_name
from samenspel.contracts.problems import AggregateNotArrived
from samenspel.contracts.submissions import Submission
from samenspel.messaging.decisions.state import AggregateChange, DecisionState

from services.registry.handlers import RegistryDecider
from tests.support.service_schema import OPERATOR, Room

FACT: Final[AggregateRef] = "organisation.v1", "00000099000000000777"
"""An aggregate of another service, arriving at some time."""
ARRIVE: Final = """
insert into projection (aggregate, subject, topic, lane, value, hash)
values ($1, $2, 'samenspel.organisations', 0, '{}', decode(repeat('00', 32), 'hex'))
"""
REGISTERED: Final = type_name("initiative-registered")


class Paused(RegistryDecider):
    """Has decided, and saves on permission."""

    def __init__(self) -> None:
        super().__init__(OPERATOR)
        self.has_decided = asyncio.Event()
        self.may_save = asyncio.Event()

    async def save(self, *arguments: Any) -> None:
        self.has_decided.set()
        await self.may_save.wait()
        await super().save(*arguments)


class Referring(RegistryDecider):
    """Requires `FACT` for the submissions that ``refers`` selects: by default, those that register an initiative.

    Deciding a submission about one of ``broken`` breaks once `FACT` is there.
    """

    def __init__(self) -> None:
        super().__init__(OPERATOR)
        self.broken: set[str] = set()
        self.refers: Callable[[Submission], bool] = lambda submission: submission.type.name == REGISTERED

    def foreign_refs(self, submission: Submission) -> Sequence[AggregateRef]:
        return [FACT]

    def decide(self, submission: Submission, known: DecisionState, now: datetime) -> Sequence[AggregateChange]:
        changes = super().decide(submission, known, now)
        if self.refers(submission) and FACT not in known.foreign:
            raise AggregateNotArrived(*FACT)
        if submission.subject in self.broken:
            raise ZeroDivisionError(submission.subject)
        return changes


async def arrive(room: Room) -> None:
    """`FACT` is there."""
    await room.pool.execute(ARRIVE, *FACT)
