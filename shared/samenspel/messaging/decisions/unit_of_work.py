"""The unit of work of a decision transaction, and a writer for storing parts while deciding continues."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self

from samenspel.contracts.catalogue import AggregateRef
from samenspel.contracts.submissions import Submission
from samenspel.contracts.topics import LaneId
from samenspel.contracts.values import Model
from samenspel.messaging.decisions.aggregates import Projected
from samenspel.messaging.decisions.state import AggregateChange, DecisionState, StoredAggregate
from samenspel.messaging.inbox import answers
from samenspel.messaging.inbox.answers import Decision, Deferred, FirstAnswer, RenderedAnswer, SubmissionIdentity
from samenspel.messaging.inbox.deferrals import Condition, DeferredSubmission, NewDeferral, QueueState
from samenspel.messaging.outbox import journal
from samenspel.messaging.outbox.journal import JournalBatch, Lane

SUBMISSIONS_PER_WRITE: Final = 100
"""A batch of more submissions is written in several parts."""


@dataclass(slots=True)
class PendingWrites:
    """Results not yet sent to PostgreSQL: answers, deferrals, changed aggregates, lanes of aggregates.

    ``later_answers`` replace stored answers. ``left`` are the numbers of deferrals that leave their queues, and
    ``conditions`` the changed conditions, by number. ``undecided`` are the submissions whose answer is deleted.
    ``restored`` has the states of aggregates with a restored
    private part, and the private parts.
    """

    first_answers: list[tuple[Submission, RenderedAnswer]] = field(default_factory=list)
    later_answers: list[tuple[Submission, RenderedAnswer]] = field(default_factory=list)
    deferred: list[NewDeferral] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    undecided: list[SubmissionIdentity] = field(default_factory=list)
    conditions: list[tuple[int, Condition]] = field(default_factory=list)
    changes: list[AggregateChange] = field(default_factory=list)
    changed: dict[AggregateRef, StoredAggregate] = field(default_factory=dict)
    lane_of: dict[AggregateRef, LaneId] = field(default_factory=dict)
    restored: list[tuple[Model, Model]] = field(default_factory=list)


@dataclass(slots=True)
class UnitOfWork:
    """State of a decision transaction: the locked lanes, the loaded state, and the writes not yet sent.

    ``state``, ``queues`` and ``first_answers`` include the results of earlier submissions of the same batch.
    """

    now: datetime
    recorded: str
    lanes: dict[LaneId, Lane]
    state: DecisionState
    queues: QueueState
    first_answers: dict[SubmissionIdentity, FirstAnswer]
    projected: Projected
    pending: PendingWrites = field(default_factory=PendingWrites)
    written: list[JournalBatch] = field(default_factory=list)
    """The batches handed over so far."""

    def change(self, ref: AggregateRef, stored: StoredAggregate, lane: LaneId) -> None:
        """Replace an aggregate, for later decisions of this batch and for the database."""
        self.state.own[ref] = self.pending.changed[ref] = stored
        self.pending.lane_of[ref] = lane

    def change_condition(self, queued: DeferredSubmission, submission: Submission, condition: Condition) -> None:
        """Keep a deferral under another condition; the stored answer names the aggregate that it waits for now."""
        deferred = Deferred(condition.waits_for, queued.row["deadline"], submission.received_at)
        self.pending.conditions.append((queued.number, condition))
        self.pending.later_answers.append((submission, answers.render(submission, deferred)))

    def restore_private(self, ref: AggregateRef, private: Model, lane: LaneId) -> None:
        """Take back a private part that a restore of the database lost. The decider has read the state before."""
        stored = self.state.own[ref]
        assert stored.model is not None
        self.change(ref, replace(stored, private=private.model_dump_json(exclude_none=True).encode()), lane)
        self.pending.restored.append((stored.model, private))

    def settle(self, queued: DeferredSubmission, submission: Submission, decision: Decision) -> RenderedAnswer:
        """Take a deferral out of its queue. After a refusal at a limit no answer stays: a repeat is decided anew."""
        answer = answers.render(submission, decision)
        self.pending.left.append(queued.number)
        if answers.is_at_limit(decision):
            self.pending.undecided.append(queued.identity)
        else:
            self.pending.later_answers.append((submission, answer))
        return answer

    def keep_answer(self, submission: Submission, answer: RenderedAnswer, *, replaces: bool) -> None:
        """Keep the first answer to a submission; ``replaces``: instead of the stored answer of a lost deferral."""
        kept = self.pending.later_answers if replaces else self.pending.first_answers
        kept.append((submission, answer))
        self.first_answers[answers.identity(submission)] = answers.first_answer(submission, answer.decision)

    def take_pending(self) -> tuple[PendingWrites, JournalBatch]:
        """Hand over the pending writes and journal rows, and start with empty lists."""
        full, self.pending = self.pending, PendingWrites()
        entries = journal.drain(self.lanes.values())
        self.written.append(entries)
        return full, entries


class WriteBehind:
    """A context manager: writes a part while the caller decides the next part.

    An error of ``write`` is raised from `submit` or from the end of the block. The block ends only when no write is
    in progress: a rollback needs a free connection.
    """

    def __init__(self, write: Callable[[PendingWrites, JournalBatch], Coroutine[Any, Any, None]]) -> None:
        self._write = write
        self._writing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._writing is None:
            return
        if error is not None:
            await asyncio.wait([self._writing])
            if self._writing.cancelled() or self._writing.exception():
                return  # Of two errors, the error from deciding is raised.
        await self._writing

    async def submit(self, pending: PendingWrites, entries: JournalBatch) -> None:
        """Start writing this part when the previous part is written."""
        if self._writing is not None:
            await self._writing
        self._writing = asyncio.create_task(self._write(pending, entries))

    async def yield_to_writer(self) -> None:
        """Let a write in progress continue."""
        if self._writing is not None and not self._writing.done():
            await asyncio.sleep(0)
