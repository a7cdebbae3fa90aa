"""Processing of submissions: lock, load, decide and write in a transaction, for every entry point.

Locks are taken in the same order everywhere (docs/architecture.md, "Lock order"). Each lock stage is complete for the
whole batch before the next stage starts, and is sorted by primary key.

A decision reads all its input after the lane locks, first answers included: two transactions with the same
submission lock the same lane.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from math import inf

from samenspel.contracts.catalogue import AggregateRef
from samenspel.contracts.digest import REMOVED
from samenspel.contracts.problems import AggregateNotArrived, Rejected
from samenspel.contracts.submission_hashes import HashKeyMissing, HashKeys, PublishedHash
from samenspel.contracts.submissions import Submission
from samenspel.contracts.topics import LaneId, ingress, lane_id, receipts
from samenspel.messaging.decisions import aggregates
from samenspel.messaging.decisions.aggregates import Projected
from samenspel.messaging.decisions.decider import Decider
from samenspel.messaging.decisions.events import EncodedChange, append_event, append_receipt, encode
from samenspel.messaging.decisions.state import DecisionState, StoredAggregate
from samenspel.messaging.decisions.unit_of_work import SUBMISSIONS_PER_WRITE, PendingWrites, UnitOfWork, WriteBehind
from samenspel.messaging.errors import LaneDiverged, NoHashKey
from samenspel.messaging.inbox import answer_store, answers, deferrals, quarantine
from samenspel.messaging.inbox.answers import (
    Accepted,
    Deferred,
    EventRef,
    FirstAnswer,
    Incoming,
    Refused,
    RenderedAnswer,
    Repeat,
    rfc3339,
)
from samenspel.messaging.inbox.deferrals import Condition, DeferredSubmission, NewDeferral, Queue, QueueState
from samenspel.messaging.inbox.quarantine import QuarantinedRecord
from samenspel.messaging.inbox.storage_budget import StorageBudget
from samenspel.messaging.outbox import journal
from samenspel.messaging.outbox.journal import JournalBatch, Lane
from samenspel.runtime.cooperative import ITEMS_PER_YIELD
from samenspel.runtime.limits import DEFERRED_SUBMISSIONS
from samenspel.runtime.postgres import Connection
from samenspel.runtime.write_together import Write, write_together


@dataclass(frozen=True, slots=True)
class SubmissionProcessor:
    """Decides submissions for one service, on a connection with an open transaction.

    ``patience`` is the time until the deadline of a deferral, by submission type; else `deferrals.PATIENCE`.
    ``deferrals_max`` is the limit of deferred submissions of one organisation. ``has_projections``: the service
    follows topics of other services.
    """

    decider: Decider
    source: str
    lane_count: int
    new_id: Callable[[], str]
    clock: Callable[[], datetime]
    hash_keys: HashKeys = field(default_factory=HashKeys)
    storage: StorageBudget = field(default_factory=StorageBudget)
    patience: Mapping[str, timedelta] = field(default_factory=dict)
    deferrals_max: int = DEFERRED_SUBMISSIONS.default
    has_projections: bool = True

    def lane_of(self, submission: Submission) -> LaneId:
        return lane_id(self.decider.topic_of(submission), submission.key, self.lane_count)

    async def process(
        self,
        connection: Connection,
        incoming: Sequence[Incoming],
        quarantined: Sequence[QuarantinedRecord] = (),
        also: Sequence[Write] = (),
        written: list[JournalBatch] | None = None,
    ) -> list[RenderedAnswer]:
        """Decide all submissions in order. Write journal, state, receipts and first answers in this transaction.

        ``quarantined`` are the records that this transaction stores in quarantine: the storage budget counts them.
        ``also`` are writes of the caller in the same transaction, without a round trip of their own. The journal's
        batches are added to ``written``.
        Raises `Fenced` if another transaction answered any of the submissions first, and `LaneDiverged` if any of
        them needs a diverged lane.
        """
        submissions = [each for each in incoming if isinstance(each, Submission)]
        projected = await self._load_projected(connection, submissions)
        self._require_consistent(projected, submissions)
        work = await self._begin(connection, submissions, {each.organisation for each in incoming}, projected)
        work.written = [] if written is None else written
        answered: list[RenderedAnswer] = []
        async with WriteBehind(partial(self._write, connection, work.state)) as writer:
            for number, each in enumerate(incoming):
                if number and number % SUBMISSIONS_PER_WRITE == 0:
                    await writer.submit(*work.take_pending())
                if number % ITEMS_PER_YIELD == 0:
                    await writer.yield_to_writer()
                answered.append(self._answer(work, each))
        await self._finish(connection, work, answered, also)
        await self.storage.charge(connection, answered, quarantined)
        return answered

    async def process_deferred(
        self, connection: Connection, queued: Sequence[DeferredSubmission], *, terms_run: bool = True
    ) -> list[DeferredSubmission]:
        """Decide deferred submissions, in order of number. Returns the submissions with a final answer.

        A submission without its aggregate stays deferred, and so does one that needs a diverged lane, or is not at
        the head of its queue. ``terms_run`` is False while a passed deadline does not count.
        """
        submissions = [each.submission(self.decider.types) for each in queued]
        projected = await self._load_projected(connection, submissions)
        work = await self._begin(connection, submissions, {each.organisation for each in submissions}, projected)
        numbers = await deferrals.numbers(connection, {each.queue for each in queued})
        final: list[tuple[DeferredSubmission, RenderedAnswer]] = []
        for each, submission in zip(queued, submissions, strict=True):
            if numbers[each.queue][:1] != [each.number]:
                continue
            decision = self._decide_deferred(work, each, submission, terms_run)
            if decision is None:
                continue
            if not isinstance(decision, Condition):
                del numbers[each.queue][0]
                final.append((each, work.settle(each, submission, decision)))
            elif decision.columns != each.condition:
                work.change_condition(each, submission, decision)
        answered = [answer for _, answer in final]
        await self._finish(connection, work, answered, ())
        await self.storage.charge(connection, answered, [])
        return [each for each, _ in final]

    async def quarantine_deferred(self, connection: Connection, queued: DeferredSubmission, error: str) -> bool:
        """Quarantine a deferred submission after failed processing. The queue continues.

        Returns False for a submission that is not at the head of its queue. The stored answer *deferred* is deleted:
        a retry by the operator or a repeat by the sender decides anew.
        """
        domain, organisation = self.decider.domain, queued.queue.organisation
        locked = await journal.lock(connection, {queued.queue.lane, (receipts(domain, organisation), 0)})
        numbers = await deferrals.numbers(connection, [queued.queue])
        if numbers[queued.queue][:1] != [queued.number]:
            return False
        failed = answers.decision_failed(queued.identity, queued.row["record"])
        answer = answers.render(failed, answers.refused(failed.problems))
        record = quarantine.from_deferred(queued, ingress(domain, organisation), failed.problems[0].code, error)
        await quarantine.insert(connection, [record])
        await deferrals.remove(connection, [queued.number])
        await answer_store.delete(connection, [queued.identity])
        self._append_receipts(locked, [answer], rfc3339(self.clock()))
        await journal.write(connection, journal.drain(locked.values()))
        await self.storage.charge(connection, [answer], [record])
        return True

    async def _load_projected(self, connection: Connection, submissions: Sequence[Submission]) -> Projected:
        if not (self.has_projections and submissions):
            return Projected()
        references = (ref for each in submissions for ref in self.decider.foreign_refs(each))
        return await aggregates.load_projected_for_share(connection, references)

    def _require_consistent(self, projected: Projected, submissions: Sequence[Submission]) -> None:
        """Raises `LaneDiverged` with the submissions that need a diverged lane."""
        if not projected.diverged:
            return
        needed = {number: self._diverged_for(projected, each) for number, each in enumerate(submissions)}
        if lanes := set[LaneId]().union(*needed.values()):
            raise LaneDiverged(lanes, [submissions[number] for number, found in needed.items() if found])

    def _diverged_for(self, projected: Projected, submission: Submission) -> set[LaneId]:
        """The diverged lanes that the decision on this submission needs."""
        return projected.diverged_for(self.decider.foreign_refs(submission))

    async def _begin(
        self,
        connection: Connection,
        submissions: Sequence[Submission],
        organisations: set[str],
        projected: Projected,
    ) -> UnitOfWork:
        decider = self.decider
        deciding = {self.lane_of(each) for each in submissions}
        answering = {(receipts(decider.domain, organisation), 0) for organisation in organisations}
        locked = await journal.lock(connection, deciding | answering)
        wanted = [(each, decider.own_refs(each)) for each in submissions]
        own = await aggregates.load(connection, {ref for _, refs in wanted for ref in refs}, locked)
        extra = await decider.load(connection, submissions)
        queues = await self._load_queues(connection, wanted, own)
        first_answers = await answer_store.load(connection, submissions)
        now = self.clock()
        state = DecisionState(own, projected.states, extra)
        return UnitOfWork(now, rfc3339(now), locked, state, queues, first_answers, projected)

    async def _load_queues(
        self,
        connection: Connection,
        wanted: Sequence[tuple[Submission, Sequence[AggregateRef]]],
        own: Mapping[AggregateRef, StoredAggregate],
    ) -> QueueState:
        """The queues of the submissions, and the deferrals about own aggregates that do not exist."""
        if not (wanted and self.has_projections):
            return QueueState(self.clock())  # Without aggregates of others nothing is ever deferred.
        missing = {(self.lane_of(each), ref[1]) for each, refs in wanted for ref in refs if ref not in own}
        queues = {self._queue_of(each) for each, _ in wanted}
        return await deferrals.load(
            connection, queues, missing, {queue.organisation for queue in queues}, self.deferrals_max
        )

    def _queue_of(self, submission: Submission) -> Queue:
        return Queue(self.lane_of(submission), submission.subject, submission.organisation)

    def _answer(self, work: UnitOfWork, incoming: Incoming) -> RenderedAnswer:
        """The answer to a submission. The first answer under an identity is kept for repeats."""
        if not isinstance(incoming, Submission):
            return answers.render(incoming, answers.refused(incoming.problems, incoming.problems_left_out))
        first = work.first_answers.get(answers.identity(incoming))
        if first is None:
            return self._answer_first(work, incoming)
        if first.is_lost and self.hash_keys.matches(first.submissionhash, incoming.hash):
            return self._answer_first(work, answers.as_received_first(incoming, first), replaces=True)
        return answers.render(incoming, self._repeat(work, incoming, first))

    def _answer_first(self, work: UnitOfWork, submission: Submission, *, replaces: bool = False) -> RenderedAnswer:
        """The first answer, kept unless the refusal is at a limit; ``replaces``: the answer of a lost deferral."""
        decision = self._decide_or_defer(work, submission)
        answer = answers.render(submission, decision)
        if not answers.is_at_limit(decision):
            work.keep_answer(submission, answer, replaces=replaces)
        return answer

    def _repeat(self, work: UnitOfWork, submission: Submission, first: FirstAnswer) -> Repeat | Refused:
        """Recognise a duplicate submission. A private part lost in a restore is taken from this submission again."""
        decision = answers.repeat_of(submission, first, self.hash_keys)
        is_accepted = isinstance(decision, Repeat) and first.outcome == "accepted"
        if is_accepted and (lost := self.decider.private_part_of(submission, work.state)):
            work.restore_private(*lost, self.lane_of(submission))
        return decision

    def _decide_or_defer(self, work: UnitOfWork, submission: Submission) -> Accepted | Refused | Deferred:
        if work.queues.deadlines and self._queue_of(submission) in work.queues.deadlines:
            ref = submission.type.aggregate.name, submission.subject
            return self._defer(work, submission, Condition(ref, "own-queue"))
        decision = self._attempt(work, submission)
        return self._defer(work, submission, decision) if isinstance(decision, Condition) else decision

    def _defer(self, work: UnitOfWork, submission: Submission, condition: Condition) -> Deferred | Refused:
        queue = self._queue_of(submission)
        if work.queues.is_full(queue.organisation):
            return answers.refused([DEFERRED_SUBMISSIONS.problem(self.deferrals_max)])
        patience = self.patience.get(submission.type.name, deferrals.PATIENCE)
        deferral = NewDeferral(submission, queue, condition, work.queues.deadline(queue, patience))
        work.queues.add(deferral)
        work.pending.deferred.append(deferral)
        return Deferred(condition.waits_for, deferral.deadline, submission.received_at)

    def _decide_deferred(
        self, work: UnitOfWork, queued: DeferredSubmission, submission: Submission, terms_run: bool
    ) -> Accepted | Refused | Condition | None:
        """The decision, or the condition that it waits for; None while a lane that it needs is diverged."""
        if self._diverged_for(work.projected, submission):
            return None
        try:
            decision = self._attempt(work, submission, before=queued.number)
        except LaneDiverged:
            return None
        if isinstance(decision, Condition) and queued.is_overdue and terms_run:
            return answers.refused([deferrals.never_arrived(decision, queued.row["deadline"])])
        return decision

    def _attempt(
        self, work: UnitOfWork, submission: Submission, before: float = inf
    ) -> Accepted | Refused | Condition:
        """Decide, or name the condition that a decision waits for; ``before`` is the number of the deferral.

        Raises `LaneDiverged` for an aggregate that may be in events which were not applied.
        """
        try:
            decision = self._decide(work, submission)
        except AggregateNotArrived as missing:
            awaited_ref = missing.aggregate, missing.subject
            if lanes := work.projected.diverged_for([awaited_ref]):
                raise LaneDiverged(lanes, [submission]) from None
            return Condition(awaited_ref)
        awaited = isinstance(decision, Refused) and self._awaited_deferral(work, submission, decision, before)
        return Condition(awaited, "deferral") if awaited else decision

    def _awaited_deferral(
        self, work: UnitOfWork, submission: Submission, refusal: Refused, before: float
    ) -> AggregateRef | None:
        """The missing own aggregate that an earlier deferral is about, if nothing else is wrong."""
        lane = self.lane_of(submission)
        awaited = {
            f"unknown-{ref[0].partition('.')[0]}": ref
            for ref in self.decider.own_refs(submission)
            if ref not in work.state.own and work.queues.has_deferral(lane, ref[1], before)
        }
        codes = {problem["code"] for problem in refusal.problems}
        return awaited[min(codes)] if codes <= awaited.keys() else None

    def _decide(self, work: UnitOfWork, submission: Submission) -> Accepted | Refused:
        """Ask the decider. Raises `AggregateNotArrived` if a needed aggregate has not arrived."""
        try:
            changes = self.decider.decide(submission, work.state, work.now)
            encoded = [encode(change, submission) for change in changes]
        except Rejected as rejection:
            return answers.refused(rejection.problems, rejection.left_out)
        events = [self._append(work, each, submission) for each in encoded]
        work.state.changes += changes
        work.pending.changes += changes
        return Accepted(events)

    def _append(self, work: UnitOfWork, encoded: EncodedChange, cause: Submission) -> EventRef:
        change = encoded.change
        lane = lane_id(change.event_type.aggregate.topic, change.key, self.lane_count)
        before, published_hash = work.state.own.get(change.ref), self._published_hash(cause)
        event = append_event(
            work.lanes[lane], encoded, before, cause, published_hash, self.source, self.new_id(), work.recorded
        )
        removed = encoded.new_hash == REMOVED
        stored = StoredAggregate(encoded.value, encoded.new_hash, encoded.private, removed, change.state)
        work.change(change.ref, stored, lane)
        return event

    def _published_hash(self, cause: Submission) -> PublishedHash:
        """The hash for an event. Raises `NoHashKey`: without a key, submissions with a private part wait."""
        try:
            return self.hash_keys.published(cause.hash, has_private_part=cause.type.has_private_part)
        except HashKeyMissing as missing:
            raise NoHashKey(str(missing)) from None

    def _append_receipts(
        self, lanes: Mapping[LaneId, Lane], answered: Sequence[RenderedAnswer], recorded: str
    ) -> None:
        for organisation, value in answers.receipts_of(answered):
            lane = lanes[receipts(self.decider.domain, organisation), 0]
            append_receipt(lane, organisation, value, self.source, self.new_id(), recorded)

    async def _write(
        self,
        connection: Connection,
        state: DecisionState,
        pending: PendingWrites,
        entries: JournalBatch,
        also: Sequence[Write] = (),
    ) -> None:
        await deferrals.remove(connection, pending.left)
        await deferrals.change_conditions(connection, pending.conditions)
        await deferrals.enqueue(connection, pending.deferred)
        await answer_store.replace(connection, pending.later_answers)
        await answer_store.delete(connection, pending.undecided)
        await write_together(
            connection,
            [
                *answer_store.answer_writes(pending.first_answers),
                *aggregates.state_writes(pending.changed, pending.lane_of),
                *journal.journal_writes(entries),
                *also,
            ],
        )
        await self.decider.save(connection, state, pending.changes)
        for restored, private in pending.restored:
            await self.decider.save_private_part(connection, restored, private)

    async def _finish(
        self, connection: Connection, work: UnitOfWork, answered: Sequence[RenderedAnswer], also: Sequence[Write]
    ) -> None:
        self._append_receipts(work.lanes, answered, work.recorded)
        await self._write(connection, work.state, *work.take_pending(), also)
