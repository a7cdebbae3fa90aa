"""What the desk asks of funding: which aggregates decide on a submission, and what it leads to."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from samenspel.contracts.catalogue import (
    AGGREGATES,
    APPLICATION,
    FACTS,
    INITIATIVE,
    ORGANISATION,
    PROGRAMME,
    Reference,
    submissions_of,
    type_name,
)
from samenspel.contracts.funding import Application, ApplicationPlan, Programme
from samenspel.contracts.organisations import Organisation
from samenspel.contracts.submissions import Submission
from samenspel.contracts.topics import FUNDING, Domain
from samenspel.messaging.decisions.state import Change, World
from samenspel.runtime.postgres import Connection

from services.funding import store
from services.funding.domain import applications, decisions, programmes

Decider = Callable[[Submission, World, datetime], Change]

OPENED: Final = type_name("programme-opened")
SUBMITTED: Final = type_name("application-submitted")
DECIDED: Final = type_name("application-decided")
OUTCOMES: Final[Mapping[str, str]] = {
    "granted": type_name("grant-awarded"),
    "granted-in-part": type_name("grant-awarded-in-part"),
    "refused": type_name("application-refused"),
}
"""Which fact a decided application's status is told by."""


@dataclass(slots=True)
class Grants:
    """Euro cents granted per programme: as read under the lane lock, and what the batch itself has added to it."""

    cents: Counter[str] = field(default_factory=Counter)
    counted: int = 0

    def after(self, changes: Sequence[Change]) -> Counter[str]:
        """What is granted after these changes; each is counted once, however often it is shown."""
        self.cents += granted_in(changes[self.counted :])
        self.counted = len(changes)
        return self.cents


class FundingHandlers:
    """`messaging.desk.Handlers` for funding; ``world.extra`` is `Grants`."""

    domain: Domain = "funding"
    types = submissions_of("funding")

    def topic_of(self, submission: Submission) -> str:
        return FUNDING

    def own(self, submission: Submission) -> Sequence[Reference]:
        programme = PROGRAMME.name, submission.key
        return [programme] if _opens(submission) else [programme, (APPLICATION.name, submission.subject)]

    def foreign(self, submission: Submission) -> Sequence[Reference]:
        if submission.type.name == DECIDED:
            return ()
        data: Any = submission.data
        references = [(ORGANISATION.name, submission.organisation)]
        if submission.type.name == SUBMITTED:
            references += [(ORGANISATION.name, data.beneficiary.oin)] if data.beneficiary.oin else []
            references += [(INITIATIVE.name, data.initiative_id)] if data.initiative_id else []
        return references

    async def load(self, connection: Connection, submissions: Sequence[Submission]) -> "Grants":
        deciding = {each.key for each in submissions if each.type.name == DECIDED}
        return Grants(Counter(await store.granted(connection, deciding)))

    def decide(self, submission: Submission, world: World, now: datetime) -> Sequence[Change]:
        change = DECIDERS[submission.type.name](submission, world, now)
        self._require_facts(submission, world)
        return [change]

    async def save(self, connection: Connection, world: World, changes: Sequence[Change]) -> None:
        opened = {each.subject: each.state.ceiling_cents for each in changes if isinstance(each.state, Programme)}
        submitted = {each.subject: each.key for each in changes if each.fact.name == SUBMITTED}
        await store.open_budgets(connection, opened)
        await store.index_applications(connection, submitted)
        await store.draw(connection, granted_in(changes))

    def withheld(self, submission: Submission, world: World) -> tuple[Reference, ApplicationPlan] | None:
        """The plan, which stays with the parties until the decision."""
        present = world.find(Application, APPLICATION, submission.subject)
        if submission.type.name != SUBMITTED or present is None or present.status != "submitted":
            return None
        if world.private(ApplicationPlan, APPLICATION, submission.subject) is not None:
            return None
        data: Any = submission.data
        return (APPLICATION.name, submission.subject), applications.plan_of(data)

    def _require_facts(self, submission: Submission, world: World) -> None:
        """All that others must have told first; asked last, because what misses a fact waits for it."""
        for aggregate, subject in self.foreign(submission):
            world.fact(AGGREGATES[aggregate].model, AGGREGATES[aggregate], subject)
        if _opens(submission):
            programmes.require_grant_authority(world.fact(Organisation, ORGANISATION, submission.organisation))


def granted_in(changes: Iterable[Change]) -> Counter[str]:
    """What these changes grant, in euro cents per programme; programmes of which they grant nothing are left out."""
    amounts: Counter[str] = Counter()
    for change in changes:
        if isinstance(change.state, Application) and (decision := change.state.decision):
            amounts[change.key] += decision.granted_cents
    return +amounts


def _opens(submission: Submission) -> bool:
    return submission.type.name == OPENED


def _open(submission: Submission, world: World, now: datetime) -> Change:
    data: Any = submission.data
    present = world.find(Programme, PROGRAMME, submission.subject)
    state = programmes.open_programme(data, present, submission.organisation)
    return Change(FACTS[OPENED], submission.subject, submission.key, state)


def _apply(submission: Submission, world: World, now: datetime) -> Change:
    data: Any = submission.data
    state, plan = applications.apply(
        data, _dossier(submission, world), submission.organisation, submission.received_at
    )
    return Change(FACTS[SUBMITTED], submission.subject, submission.key, state, private=plan)


def _decide(submission: Submission, world: World, now: datetime) -> Change:
    data: Any = submission.data
    state = decisions.decide(data, _dossier(submission, world), submission.organisation, now)
    return Change(FACTS[OUTCOMES[state.status]], submission.subject, submission.key, state)


def _dossier(submission: Submission, world: World) -> applications.Dossier:
    grants: Grants = world.extra
    return applications.Dossier(
        programme=world.find(Programme, PROGRAMME, submission.key),
        application=world.find(Application, APPLICATION, submission.subject),
        plan=world.private(ApplicationPlan, APPLICATION, submission.subject),
        granted_cents=grants.after(world.changes)[submission.key],
    )


DECIDERS: Final[Mapping[str, Decider]] = {OPENED: _open, SUBMITTED: _apply, DECIDED: _decide}
