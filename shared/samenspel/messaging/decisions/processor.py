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

from samenspel.contracts.catalogue import AGGREGATES, Reference
from samenspel.contracts.digest import REMOVED
from samenspel.contracts.problems import MissingFact, Problem, Rejected
from samenspel.contracts.submissions import Submission
from samenspel.contracts.topics import LaneName, ingress, lane_of, receipts
from samenspel.messaging.decisions import aggregates
from samenspel.messaging.decisions.decider import Handlers
from samenspel.messaging.decisions.events import Draft, Published, draft, publish, publish_receipt
from samenspel.messaging.decisions.state import Held, World
from samenspel.messaging.decisions.unit_of_work import PAGE, Behind, Page, Sitting
from samenspel.messaging.errors import FenceLost
from samenspel.messaging.inbox import answer_store, answers, deferrals, quarantine
from samenspel.messaging.inbox.answers import Answered, Inbound, moment
from samenspel.messaging.outbox import journal
from samenspel.messaging.outbox.journal import Entries, Lane
from samenspel.runtime.cooperative import BREATH
from samenspel.runtime.postgres import Connection


@dataclass(frozen=True, slots=True)
class Desk:
    """Decides submissions for one service, on a connection whose transaction the caller has opened."""

    handlers: Handlers
    source: str
    lane_count: int
    new_id: Callable[[], str]
    clock: Callable[[], datetime]

    def lane_of(self, submission: Submission) -> LaneName:
        return self.handlers.topic_of(submission), lane_of(submission.key, self.lane_count)

    async def settle(self, connection: Connection, inbound: Sequence[Inbound]) -> list[Answered]:
        """Decide all of these in their order; journal, state, receipts and first answers in this transaction."""
        submissions = [each for each in inbound if isinstance(each, Submission)]
        sitting = await self._open(connection, submissions, {each.organisation for each in inbound})
        given: list[Answered] = []
        async with Behind(partial(self._write, connection, sitting.world)) as behind:
            for number, each in enumerate(inbound):
                if number and number % PAGE == 0:
                    await behind.begin(*sitting.turn())
                if number % BREATH == 0:
                    await behind.breathe()
                given.append(self._answer(sitting, each))
        await self._close(connection, sitting, given)
        return given

    async def settle_waiting(self, connection: Connection, number: int) -> Answered | None:
        """Decide one that was waiting, if it still heads its queue; None when it stays or has left."""
        queued = await deferrals.read(connection, number)
        if queued is None:
            return None
        submission = queued.submission(self.handlers.types)
        sitting = await self._open(connection, [submission], {submission.organisation})
        if not await deferrals.is_first(connection, queued):
            return None
        try:
            final = self._decide(sitting, submission)
        except MissingFact as missing:
            if not queued.is_overdue:
                await deferrals.stay(connection, number, (missing.aggregate, missing.subject))
                return None
            final = answers.rejected(submission, [_never_arrived(missing)])
        await deferrals.leave(connection, number)
        await answer_store.revise(connection, submission, final)
        await self._close(connection, sitting, [final])
        return final

    async def set_apart_waiting(self, connection: Connection, number: int, error: str) -> Answered | None:
        """Quarantine one that breaks the deciding, if it still heads its queue; the rest of the queue goes on.

        That it was deferred is forgotten: whether the operator retries it or it is sent again, it is decided then.
        """
        queued = await deferrals.read(connection, number)
        if queued is None:
            return None
        domain = self.handlers.domain
        locked = await journal.lock(connection, {queued.lane, (receipts(domain, queued.organisation), 0)})
        if not await deferrals.is_first(connection, queued):
            return None
        refusal = answers.undecided(queued.identity, queued.row["record"])
        given = answers.rejected(refusal, refusal.problems)
        apart = quarantine.waited(queued, ingress(domain, queued.organisation), refusal.problems[0].code, error)
        await quarantine.set_apart(connection, [apart])
        await deferrals.leave(connection, number)
        await answer_store.forget(connection, queued.identity)
        self._tell(locked, [given], moment(self.clock()))
        await journal.journal(connection, journal.taken(locked.values()))
        return given

    async def _open(
        self, connection: Connection, submissions: Sequence[Submission], organisations: set[str]
    ) -> Sitting:
        handlers = self.handlers
        foreign = await aggregates.share_projection(
            connection, (reference for each in submissions for reference in handlers.foreign(each))
        )
        deciding = {self.lane_of(each) for each in submissions}
        answering = {(receipts(handlers.domain, organisation), 0) for organisation in organisations}
        locked = await journal.lock(connection, deciding | answering)
        wanted = {reference for each in submissions for reference in handlers.own(each)}
        own = await aggregates.load(connection, wanted, locked)
        extra = await handlers.load(connection, submissions)
        queues = await deferrals.queued_subjects(connection, list(deciding)) if deciding else set()
        known = await answer_store.known(connection, submissions)
        now = self.clock()
        return Sitting(now, moment(now), locked, World(own, foreign, extra), queues, known)

    def _answer(self, sitting: Sitting, to: Inbound) -> Answered:
        if not isinstance(to, Submission):
            return answers.rejected(to, to.problems)
        if (before := sitting.known.get(answers.identity(to))) is not None:
            return self._repeat(sitting, to, before)
        given = self._decide_or_defer(sitting, to)
        sitting.page.first.append((to, given))
        sitting.known[answers.identity(to)] = given.json
        return given

    def _repeat(self, sitting: Sitting, to: Submission, before: bytes) -> Answered:
        """Say again what it led to; what was private about it and was lost in a restore, it brings back."""
        given = answers.repeated(to, before)
        if given.body.get("first_outcome") == "accepted" and (lost := self.handlers.withheld(to, sitting.world)):
            reference, private = lost
            held = replace(sitting.world.own[reference], private=private.model_dump_json(exclude_none=True).encode())
            sitting.world.own[reference] = sitting.page.changed[reference] = held
            sitting.page.at[reference] = self.lane_of(to)
        return given

    def _decide_or_defer(self, sitting: Sitting, to: Submission) -> Answered:
        lane = self.lane_of(to)
        needs: Reference | None = None
        if (lane, to.subject) not in sitting.queues:
            try:
                return self._decide(sitting, to)
            except MissingFact as missing:
                needs = missing.aggregate, missing.subject
                sitting.queues.add((lane, to.subject))
        sitting.page.deferred.append((to, lane, needs))
        return answers.answer(to, "deferred")

    def _decide(self, sitting: Sitting, to: Submission) -> Answered:
        try:
            changes = self.handlers.decide(to, sitting.world, sitting.now)
            drafts = [draft(change, to) for change in changes]
        except Rejected as refusal:
            return answers.rejected(to, refusal.problems)
        events = [self._publish(sitting, made, to) for made in drafts]
        sitting.world.changes += changes
        sitting.page.changes += changes
        return answers.answer(to, "accepted", events=events)

    def _publish(self, sitting: Sitting, made: Draft, cause: Submission) -> Published:
        reference = made.change.reference
        name = made.change.fact.aggregate.topic, lane_of(made.change.key, self.lane_count)
        before = sitting.world.own.get(reference)
        event = publish(sitting.locked[name], made, before, cause, self.source, self.new_id(), sitting.recorded)
        held = Held(
            made.value, made.new_hash, made.private, removed=made.new_hash == REMOVED, model=made.change.state
        )
        sitting.world.own[reference] = sitting.page.changed[reference] = held
        sitting.page.at[reference] = name
        return event

    def _tell(self, locked: Mapping[LaneName, Lane], given: Sequence[Answered], recorded: str) -> None:
        for organisation, value in answers.receipts_of(given):
            lane = locked[receipts(self.handlers.domain, organisation), 0]
            publish_receipt(lane, organisation, value, self.source, self.new_id(), recorded)

    async def _write(self, connection: Connection, world: World, page: Page, entries: Entries) -> None:
        for submission, lane, needs in page.deferred:
            await deferrals.enqueue(connection, submission, lane, needs, deferrals.PATIENCE)
        if not await answer_store.remember(connection, page.first):
            raise FenceLost("another transaction answered one of these submissions first")
        await aggregates.save(connection, page.changed, page.at)
        await self.handlers.save(connection, world, page.changes)
        await journal.journal(connection, entries)

    async def _close(self, connection: Connection, sitting: Sitting, given: Sequence[Answered]) -> None:
        self._tell(sitting.locked, given, sitting.recorded)
        await self._write(connection, sitting.world, *sitting.turn())


def _never_arrived(missing: MissingFact) -> Problem:
    kind = AGGREGATES[missing.aggregate].name.partition(".")[0]
    return Problem.model_validate(
        {
            "code": f"unknown-{kind}",
            "field": "/",
            "detail": f"{kind} {missing.subject} did not become known within {deferrals.PATIENCE}",
            "fix": f"Register the {kind} first, then submit this again under a new id.",
        }
    )
