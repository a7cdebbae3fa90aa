"""Processing of submissions: lock, load, decide and write in a transaction, for every entry point.

Locks are taken in the same order everywhere (docs/architecture.md, "Lock order"). Each lock stage is complete for the
whole batch before the next stage starts, and is sorted by primary key.

A decision reads all its input after the lane locks, first answers included: two transactions with the same
submission lock the same lane.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from samenspel.contracts.catalogue import AGGREGATES, AggregateRef
from samenspel.contracts.digest import REMOVED
from samenspel.contracts.problems import AggregateNotArrived, Problem, Rejected
from samenspel.contracts.submission_hashes import HashKeyMissing, HashKeys, PublishedHash
from samenspel.contracts.submissions import Submission
from samenspel.contracts.topics import LaneId, ingress, lane_of, receipts
from samenspel.messaging.decisions import aggregates
from samenspel.messaging.decisions.decider import Decider
from samenspel.messaging.decisions.events import EncodedChange, append_event, append_receipt, encode
from samenspel.messaging.decisions.state import DecisionState, StoredAggregate
from samenspel.messaging.decisions.unit_of_work import SUBMISSIONS_PER_WRITE, PendingWrites, UnitOfWork, WriteBehind
from samenspel.messaging.errors import Fenced, NoHashKey
from samenspel.messaging.inbox import answer_store, answers, deferrals, quarantine
from samenspel.messaging.inbox.answers import (
    Accepted,
    Decision,
    Deferred,
    EventRef,
    Incoming,
    Refused,
    RenderedAnswer,
    Repeat,
    rfc3339,
)
from samenspel.messaging.inbox.quarantine import QuarantinedRecord
from samenspel.messaging.inbox.storage_budget import StorageBudget
from samenspel.messaging.outbox import journal
from samenspel.messaging.outbox.journal import JournalBatch, Lane
from samenspel.runtime.cooperative import ITEMS_PER_YIELD
from samenspel.runtime.postgres import Connection


@dataclass(frozen=True, slots=True)
class SubmissionProcessor:
    """Decides submissions for one service, on a connection with an open transaction."""

    decider: Decider
    source: str
    lane_count: int
    new_id: Callable[[], str]
    clock: Callable[[], datetime]
    hash_keys: HashKeys = field(default_factory=HashKeys)
    storage: StorageBudget = field(default_factory=StorageBudget)

    def lane_of(self, submission: Submission) -> LaneId:
        return self.decider.topic_of(submission), lane_of(submission.key, self.lane_count)

    async def process(
        self, connection: Connection, incoming: Sequence[Incoming], quarantined: Sequence[QuarantinedRecord] = ()
    ) -> list[RenderedAnswer]:
        """Decide all submissions in order. Write journal, state, receipts and first answers in this transaction.

        ``quarantined`` are the records that this transaction stores in quarantine: the storage budget counts them.
        Raises `Fenced` if another transaction answered any of the submissions first.
        """
        submissions = [each for each in incoming if isinstance(each, Submission)]
        work = await self._begin(connection, submissions, {each.organisation for each in incoming})
        answered: list[RenderedAnswer] = []
        async with WriteBehind(partial(self._write, connection, work.state)) as writer:
            for number, each in enumerate(incoming):
                if number and number % SUBMISSIONS_PER_WRITE == 0:
                    await writer.submit(*work.take_pending())
                if number % ITEMS_PER_YIELD == 0:
                    await writer.yield_to_writer()
                answered.append(self._answer(work, each))
        await self._finish(connection, work, answered)
        await self.storage.charge(connection, answered, quarantined)
        return answered

    async def process_deferred(self, connection: Connection, number: int) -> RenderedAnswer | None:
        """Decide a deferred submission at the head of a queue. None if still deferred or no longer queued."""
        queued = await deferrals.read(connection, number)
        if queued is None:
            return None
        submission = queued.submission(self.decider.types)
        work = await self._begin(connection, [submission], {submission.organisation})
        if not await deferrals.heads_queue(connection, queued):
            return None
        try:
            decision: Decision = self._decide(work, submission)
        except AggregateNotArrived as missing:
            if not queued.is_overdue:
                await deferrals.change_condition(connection, number, (missing.aggregate, missing.subject))
                return None
            decision = answers.refused([_never_arrived(missing)])
        answer = answers.render(submission, decision)
        await deferrals.remove(connection, number)
        await self._keep_final_answer(connection, submission, answer)
        await self._finish(connection, work, [answer])
        await self.storage.charge(connection, [answer], [])
        return answer

    async def quarantine_deferred(self, connection: Connection, number: int, error: str) -> RenderedAnswer | None:
        """Quarantine a deferred submission after failed processing, if at the head of a queue. The queue continues.

        The stored answer *deferred* is deleted: a retry by the operator or a repeat by the sender decides anew.
        """
        queued = await deferrals.read(connection, number)
        if queued is None:
            return None
        domain = self.decider.domain
        locked = await journal.lock(connection, {queued.lane, (receipts(domain, queued.organisation), 0)})
        if not await deferrals.heads_queue(connection, queued):
            return None
        failed = answers.decision_failed(queued.identity, queued.row["record"])
        answer = answers.render(failed, answers.refused(failed.problems))
        topic = ingress(domain, queued.organisation)
        record = quarantine.from_deferred(queued, topic, failed.problems[0].code, error)
        await quarantine.insert(connection, [record])
        await deferrals.remove(connection, number)
        await answer_store.delete(connection, queued.identity)
        self._append_receipts(locked, [answer], rfc3339(self.clock()))
        await journal.write(connection, journal.drain(locked.values()))
        await self.storage.charge(connection, [answer], [record])
        return answer

    async def _keep_final_answer(
        self, connection: Connection, submission: Submission, answer: RenderedAnswer
    ) -> None:
        """Replace the stored answer *deferred*; delete it after a refusal at a limit, so that a repeat is decided."""
        if answers.is_at_limit(answer.decision):
            await answer_store.delete(connection, answers.identity(submission))
        else:
            await answer_store.replace(connection, submission, answer)

    async def _begin(
        self, connection: Connection, submissions: Sequence[Submission], organisations: set[str]
    ) -> UnitOfWork:
        decider = self.decider
        foreign = await aggregates.load_projected_for_share(
            connection, (ref for each in submissions for ref in decider.foreign_refs(each))
        )
        deciding = {self.lane_of(each) for each in submissions}
        answering = {(receipts(decider.domain, organisation), 0) for organisation in organisations}
        locked = await journal.lock(connection, deciding | answering)
        wanted = {ref for each in submissions for ref in decider.own_refs(each)}
        own = await aggregates.load(connection, wanted, locked)
        extra = await decider.load(connection, submissions)
        queues = await deferrals.queued_subjects(connection, list(deciding)) if deciding else set()
        first_answers = await answer_store.load(connection, submissions)
        now = self.clock()
        return UnitOfWork(now, rfc3339(now), locked, DecisionState(own, foreign, extra), queues, first_answers)

    def _answer(self, work: UnitOfWork, incoming: Incoming) -> RenderedAnswer:
        """The answer to a submission. The first answer under an identity is kept for repeats."""
        decision = self._decide_on(work, incoming)
        answer = answers.render(incoming, decision)
        if isinstance(incoming, Submission) and not answers.is_at_limit(decision):
            work.keep_first_answer(incoming, answer)
        return answer

    def _decide_on(self, work: UnitOfWork, incoming: Incoming) -> Decision:
        if not isinstance(incoming, Submission):
            return answers.refused(incoming.problems, incoming.problems_left_out)
        if (first := work.first_answers.get(answers.identity(incoming))) is not None:
            return self._repeat(work, incoming, first)
        return self._decide_or_defer(work, incoming)

    def _repeat(self, work: UnitOfWork, submission: Submission, first: answers.FirstAnswer) -> Repeat | Refused:
        """Recognise a duplicate submission. A private part lost in a restore is taken from this submission again."""
        decision = answers.repeat_of(submission, first, self.hash_keys)
        is_accepted = isinstance(decision, Repeat) and first.outcome == "accepted"
        if is_accepted and (lost := self.decider.private_part_of(submission, work.state)):
            work.restore_private(*lost, self.lane_of(submission))
        return decision

    def _decide_or_defer(self, work: UnitOfWork, submission: Submission) -> Accepted | Refused | Deferred:
        lane = self.lane_of(submission)
        needs: AggregateRef | None = None
        if (lane, submission.subject) not in work.queues:
            try:
                return self._decide(work, submission)
            except AggregateNotArrived as missing:
                needs = missing.aggregate, missing.subject
                work.queues.add((lane, submission.subject))
        work.pending.deferred.append((submission, lane, needs))
        return Deferred()

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
        lane = change.event_type.aggregate.topic, lane_of(change.key, self.lane_count)
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
        self, connection: Connection, state: DecisionState, pending: PendingWrites, entries: JournalBatch
    ) -> None:
        for submission, lane, needs in pending.deferred:
            await deferrals.enqueue(connection, submission, lane, needs, deferrals.DEFERRAL_MAX)
        if not await answer_store.insert_new(connection, pending.first_answers):
            raise Fenced("another transaction answered one of these submissions first")
        await aggregates.save(connection, pending.changed, pending.lane_of)
        await self.decider.save(connection, state, pending.changes)
        for restored, private in pending.restored:
            await self.decider.save_private_part(connection, restored, private)
        await journal.write(connection, entries)

    async def _finish(self, connection: Connection, work: UnitOfWork, answered: Sequence[RenderedAnswer]) -> None:
        self._append_receipts(work.lanes, answered, work.recorded)
        await self._write(connection, work.state, *work.take_pending())


def _never_arrived(missing: AggregateNotArrived) -> Problem:
    kind = AGGREGATES[missing.aggregate].name.partition(".")[0]
    return Problem.model_validate(
        {
            "code": f"unknown-{kind}",
            "field": "/",
            "detail": f"{kind} {missing.subject} did not become known within {deferrals.DEFERRAL_MAX}",
            "fix": f"Register the {kind} first, then submit this again under a new id.",
        }
    )
