"""Writing one page of decisions while the next is being decided: PostgreSQL works while we do."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self

from samenspel.contracts.catalogue import AggregateRef
from samenspel.contracts.submissions import Submission
from samenspel.contracts.topics import LaneId
from samenspel.messaging.decisions.state import AggregateChange, DecisionState, StoredAggregate
from samenspel.messaging.inbox.answers import RenderedAnswer, SubmissionIdentity
from samenspel.messaging.outbox import journal
from samenspel.messaging.outbox.journal import JournalBatch, Lane

SUBMISSIONS_PER_WRITE: Final = 100
"""Submissions on one."""


@dataclass(slots=True)
class PendingWrites:
    """What a run of decisions leads to: first answers, what waits and for what, changed aggregates, their lanes."""

    first_answers: list[tuple[Submission, RenderedAnswer]] = field(default_factory=list)
    deferred: list[tuple[Submission, LaneId, AggregateRef | None]] = field(default_factory=list)
    changes: list[AggregateChange] = field(default_factory=list)
    changed: dict[AggregateRef, StoredAggregate] = field(default_factory=dict)
    lane_of: dict[AggregateRef, LaneId] = field(default_factory=dict)


@dataclass(slots=True)
class UnitOfWork:
    """``world``, ``queues`` and ``known`` grow with what is decided; ``page`` is what is to be written of it."""

    now: datetime
    recorded: str
    lanes: dict[LaneId, Lane]
    state: DecisionState
    queues: set[tuple[LaneId, str]]
    first_answers: dict[SubmissionIdentity, bytes]
    pending: PendingWrites = field(default_factory=PendingWrites)

    def take_pending(self) -> tuple[PendingWrites, JournalBatch]:
        """The page that is full, and its rows of the journal; what is decided from now on goes on a new one."""
        full, self.pending = self.pending, PendingWrites()
        return full, journal.drain(self.lanes.values())


class WriteBehind:
    """A context manager that has one page written at a time; what ``write`` raises comes out of it.

    It is left when nothing is being written any more, whatever happened: the connection is free then.
    """

    def __init__(self, write: Callable[[PendingWrites, JournalBatch], Coroutine[Any, Any, None]]) -> None:
        self._write = write
        self._writing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._writing is None:
            return
        if error is not None:
            await asyncio.wait([self._writing])
            if self._writing.cancelled() or self._writing.exception():
                return  # of the two errors, the one that ended the deciding counts
        await self._writing

    async def submit(self, page: PendingWrites, entries: JournalBatch) -> None:
        """Write this one when the one before is written."""
        if self._writing is not None:
            await self._writing
        self._writing = asyncio.create_task(self._write(page, entries))

    async def yield_to_writer(self) -> None:
        """Let what is being written go on."""
        if self._writing is not None and not self._writing.done():
            await asyncio.sleep(0)
