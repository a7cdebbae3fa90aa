"""Handlers of a registry that do what a test needs: stop before they save, wait for a fact, break."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from samenspel.contracts.catalogue import Reference, type_name
from samenspel.contracts.problems import MissingFact
from samenspel.contracts.submissions import Submission
from samenspel.messaging.decisions.state import Change, World

from services.registry.handlers import RegistryHandlers
from tests.law.rooms import OPERATOR, Room

FACT: Final[Reference] = "organisation.v1", "00000099000000000777"
"""What another service tells, sooner or later."""
ARRIVE: Final = """
insert into projection (aggregate, subject, topic, lane, value, hash)
values ($1, $2, 'samenspel.organisations', 0, '{}', decode(repeat('00', 32), 'hex'))
"""
REGISTERED: Final = type_name("initiative-registered")


class Paused(RegistryHandlers):
    """Has decided, and saves when it may."""

    def __init__(self) -> None:
        super().__init__(OPERATOR)
        self.has_decided = asyncio.Event()
        self.may_save = asyncio.Event()

    async def save(self, *arguments: Any) -> None:
        self.has_decided.set()
        await self.may_save.wait()
        await super().save(*arguments)


class Referring(RegistryHandlers):
    """An initiative is registered when `FACT` is there; deciding one of ``broken`` breaks then."""

    def __init__(self) -> None:
        super().__init__(OPERATOR)
        self.broken: set[str] = set()

    def foreign(self, submission: Submission) -> Sequence[Reference]:
        return [FACT]

    def decide(self, submission: Submission, world: World, now: datetime) -> Sequence[Change]:
        changes = super().decide(submission, world, now)
        if submission.type.name == REGISTERED and FACT not in world.foreign:
            raise MissingFact(*FACT)
        if submission.subject in self.broken:
            raise ZeroDivisionError(submission.subject)
        return changes


async def arrive(room: Room) -> None:
    """`FACT` is there."""
    await room.pool.execute(ARRIVE, *FACT)
