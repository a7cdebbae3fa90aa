"""The desk: where submissions are decided, whichever door they came through.

One lock order everywhere, each stage complete for the whole batch before the next, each sorted by primary key:

    position rows → projection rows (shared) → lane rows → own aggregates

and everything that decides is read after the lane locks. Which submissions were answered before is read then too:
two transactions with the same submission meet on its lane.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from samenspel.contracts.catalogue import AGGREGATES, AggregateRef
from samenspel.contracts.digest import REMOVED
from samenspel.contracts.problems import MissingFact, Problem, Rejected
from samenspel.contracts.submissions import Submission
from samenspel.contracts.topics import LaneId, ingress, lane_of, receipts
from samenspel.messaging.decisions import aggregates
from samenspel.messaging.decisions.decider import Decider
from samenspel.messaging.decisions.events import EncodedChange, EventRef, append_event, append_receipt, encode
from samenspel.messaging.decisions.state import DecisionState, StoredAggregate
from samenspel.messaging.decisions.unit_of_work import SUBMISSIONS_PER_WRITE, PendingWrites, UnitOfWork, WriteBehind
from samenspel.messaging.errors import Fenced
from samenspel.messaging.inbox import answer_store, answers, deferrals, quarantine
from samenspel.messaging.inbox.answers import Incoming, RenderedAnswer, rfc3339
from samenspel.messaging.outbox import journal
from samenspel.messaging.outbox.journal import JournalBatch, Lane
from samenspel.runtime.cooperative import ITEMS_PER_YIELD
from samenspel.runtime.postgres import Connection


@dataclass(frozen=True, slots=True)
class SubmissionProcessor:
    """Decides submissions for one service, on a connection whose transaction the caller has opened."""

    decider: Decider
    source: str
    lane_count: int
    new_id: Callable[[], str]
    clock: Callable[[], datetime]

    def lane_of(self, submission: Submission) -> LaneId:
        return self.decider.topic_of(submission), lane_of(submission.key, self.lane_count)

    async def process(self, connection: Connection, incoming: Sequence[Incoming]) -> list[RenderedAnswer]:
        """Decide all of these in their order; journal, state, receipts and first answers in this transaction."""
        submissions = [each for each in incoming if isinstance(each, Submission)]
        work = await self._begin(connection, submissions, {each.organisation for each in incoming})
        given: list[RenderedAnswer] = []
        async with WriteBehind(partial(self._write, connection, work.state)) as behind:
            for number, each in enumerate(incoming):
                if number and number % SUBMISSIONS_PER_WRITE == 0:
                    await behind.submit(*work.take_pending())
                if number % ITEMS_PER_YIELD == 0:
                    await behind.yield_to_writer()
                given.append(self._answer(work, each))
        await self._finish(connection, work, given)
        return given

    async def process_deferred(self, connection: Connection, number: int) -> RenderedAnswer | None:
        """Decide one that was waiting, if it still heads its queue; None when it stays or has left."""
        queued = await deferrals.read(connection, number)
        if queued is None:
            return None
        submission = queued.submission(self.decider.types)
        work = await self._begin(connection, [submission], {submission.organisation})
        if not await deferrals.heads_queue(connection, queued):
            return None
        try:
            final = self._decide(work, submission)
        except MissingFact as missing:
            if not queued.is_overdue:
                await deferrals.change_condition(connection, number, (missing.aggregate, missing.subject))
                return None
            final = answers.rejected(submission, [_never_arrived(missing)])
        await deferrals.remove(connection, number)
        await answer_store.replace(connection, submission, final)
        await self._finish(connection, work, [final])
        return final

    async def quarantine_deferred(self, connection: Connection, number: int, error: str) -> RenderedAnswer | None:
        """Quarantine one that breaks the deciding, if it still heads its queue; the rest of the queue goes on.

        That it was deferred is forgotten: whether the operator retries it or it is sent again, it is decided then.
        """
        queued = await deferrals.read(connection, number)
        if queued is None:
            return None
        domain = self.decider.domain
        locked = await journal.lock(connection, {queued.lane, (receipts(domain, queued.organisation), 0)})
        if not await deferrals.heads_queue(connection, queued):
            return None
        refusal = answers.decision_failed(queued.identity, queued.row["record"])
        given = answers.rejected(refusal, refusal.problems)
        apart = quarantine.from_deferred(
            queued, ingress(domain, queued.organisation), refusal.problems[0].code, error
        )
        await quarantine.insert(connection, [apart])
        await deferrals.remove(connection, number)
        await answer_store.delete(connection, queued.identity)
        self._append_receipts(locked, [given], rfc3339(self.clock()))
        await journal.write(connection, journal.drain(locked.values()))
        return given

    async def _begin(
        self, connection: Connection, submissions: Sequence[Submission], organisations: set[str]
    ) -> UnitOfWork:
        decider = self.decider
        foreign = await aggregates.load_projected_for_share(
            connection, (reference for each in submissions for reference in decider.foreign_refs(each))
        )
        deciding = {self.lane_of(each) for each in submissions}
        answering = {(receipts(decider.domain, organisation), 0) for organisation in organisations}
        locked = await journal.lock(connection, deciding | answering)
        wanted = {reference for each in submissions for reference in decider.own_refs(each)}
        own = await aggregates.load(connection, wanted, locked)
        extra = await decider.load(connection, submissions)
        queues = await deferrals.queued_subjects(connection, list(deciding)) if deciding else set()
        known = await answer_store.load(connection, submissions)
        now = self.clock()
        return UnitOfWork(now, rfc3339(now), locked, DecisionState(own, foreign, extra), queues, known)

    def _answer(self, work: UnitOfWork, to: Incoming) -> RenderedAnswer:
        if not isinstance(to, Submission):
            return answers.rejected(to, to.problems)
        if (before := work.first_answers.get(answers.identity(to))) is not None:
            return self._repeat(work, to, before)
        given = self._decide_or_defer(work, to)
        work.pending.first_answers.append((to, given))
        work.first_answers[answers.identity(to)] = given.json
        return given

    def _repeat(self, work: UnitOfWork, to: Submission, before: bytes) -> RenderedAnswer:
        """Say again what it led to; what was private about it and was lost in a restore, it brings back."""
        given = answers.repeated(to, before)
        if given.body.get("first_outcome") == "accepted" and (lost := self.decider.private_part_of(to, work.state)):
            reference, private = lost
            stored = replace(work.state.own[reference], private=private.model_dump_json(exclude_none=True).encode())
            work.state.own[reference] = work.pending.changed[reference] = stored
            work.pending.lane_of[reference] = self.lane_of(to)
        return given

    def _decide_or_defer(self, work: UnitOfWork, to: Submission) -> RenderedAnswer:
        lane = self.lane_of(to)
        needs: AggregateRef | None = None
        if (lane, to.subject) not in work.queues:
            try:
                return self._decide(work, to)
            except MissingFact as missing:
                needs = missing.aggregate, missing.subject
                work.queues.add((lane, to.subject))
        work.pending.deferred.append((to, lane, needs))
        return answers.answer(to, "deferred")

    def _decide(self, work: UnitOfWork, to: Submission) -> RenderedAnswer:
        try:
            changes = self.decider.decide(to, work.state, work.now)
            drafts = [encode(change, to) for change in changes]
        except Rejected as refusal:
            return answers.rejected(to, refusal.problems)
        events = [self._publish(work, made, to) for made in drafts]
        work.state.changes += changes
        work.pending.changes += changes
        return answers.answer(to, "accepted", events=events)

    def _publish(self, work: UnitOfWork, made: EncodedChange, cause: Submission) -> EventRef:
        reference = made.change.ref
        name = made.change.event_type.aggregate.topic, lane_of(made.change.key, self.lane_count)
        before = work.state.own.get(reference)
        event = append_event(work.lanes[name], made, before, cause, self.source, self.new_id(), work.recorded)
        stored = StoredAggregate(
            made.value, made.new_hash, made.private, removed=made.new_hash == REMOVED, model=made.change.state
        )
        work.state.own[reference] = work.pending.changed[reference] = stored
        work.pending.lane_of[reference] = name
        return event

    def _append_receipts(self, locked: Mapping[LaneId, Lane], given: Sequence[RenderedAnswer], recorded: str) -> None:
        for organisation, value in answers.receipts_of(given):
            lane = locked[receipts(self.decider.domain, organisation), 0]
            append_receipt(lane, organisation, value, self.source, self.new_id(), recorded)

    async def _write(
        self, connection: Connection, known: DecisionState, page: PendingWrites, entries: JournalBatch
    ) -> None:
        for submission, lane, needs in page.deferred:
            await deferrals.enqueue(connection, submission, lane, needs, deferrals.DEFERRAL_MAX)
        if not await answer_store.insert_new(connection, page.first_answers):
            raise Fenced("another transaction answered one of these submissions first")
        await aggregates.save(connection, page.changed, page.lane_of)
        await self.decider.save(connection, known, page.changes)
        await journal.write(connection, entries)

    async def _finish(self, connection: Connection, work: UnitOfWork, given: Sequence[RenderedAnswer]) -> None:
        self._append_receipts(work.lanes, given, work.recorded)
        await self._write(connection, work.state, *work.take_pending())


def _never_arrived(missing: MissingFact) -> Problem:
    kind = AGGREGATES[missing.aggregate].name.partition(".")[0]
    return Problem.model_validate(
        {
            "code": f"unknown-{kind}",
            "field": "/",
            "detail": f"{kind} {missing.subject} did not become known within {deferrals.DEFERRAL_MAX}",
            "fix": f"Register the {kind} first, then submit this again under a new id.",
        }
    )
