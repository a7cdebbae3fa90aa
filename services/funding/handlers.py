"""The decider of funding: the aggregates that a submission needs, and the resulting changes."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from samenspel.contracts.catalogue import (
    AGGREGATES,
    APPLICATION,
    EVENT_TYPES,
    INITIATIVE,
    ORGANISATION,
    PROGRAMME,
    AggregateRef,
    submissions_of,
    type_name,
)
from samenspel.contracts.funding import Application, ApplicationPlan, Programme
from samenspel.contracts.organisations import Organisation
from samenspel.contracts.submissions import Submission
from samenspel.contracts.topics import FUNDING, Domain
from samenspel.contracts.values import Model
from samenspel.messaging import AggregateChange, DecisionState
from samenspel.runtime.postgres import Connection

from services.funding import store
from services.funding.domain import applications, decisions, programmes

DecisionRule = Callable[[Submission, DecisionState, datetime], AggregateChange]

OPENED: Final = type_name("programme-opened")
SUBMITTED: Final = type_name("application-submitted")
DECIDED: Final = type_name("application-decided")
OUTCOMES: Final[Mapping[str, str]] = {
    "granted": type_name("grant-awarded"),
    "granted-in-part": type_name("grant-awarded-in-part"),
    "refused": type_name("application-refused"),
}
"""Canonical event type for each status of a decided application."""


@dataclass(slots=True)
class Grants:
    """Euro cents granted per programme: the amount read under the lane lock, plus the grants of the current batch."""

    cents: Counter[str] = field(default_factory=Counter)
    counted: int = 0

    def after(self, changes: Sequence[AggregateChange]) -> Counter[str]:
        """Totals after ``changes``. Each change is counted once, also if passed in several calls."""
        self.cents += granted_in(changes[self.counted :])
        self.counted = len(changes)
        return self.cents


@dataclass(frozen=True, slots=True)
class FundingRows:
    """Rows for the decisions of a batch; ``registered`` has the registered initiatives of stored applications."""

    grants: Grants
    registered: Set[str] = frozenset()


class FundingDecider:
    """`messaging.Decider` of funding; ``DecisionState.extra`` is `FundingRows`."""

    domain: Domain = "funding"
    types = submissions_of("funding")

    def topic_of(self, submission: Submission) -> str:
        return FUNDING

    def own_refs(self, submission: Submission) -> Sequence[AggregateRef]:
        programme = PROGRAMME.name, submission.key
        return [programme] if _opens(submission) else [programme, (APPLICATION.name, submission.subject)]

    def foreign_refs(self, submission: Submission) -> Sequence[AggregateRef]:
        if submission.type.name == DECIDED:
            return ()
        data: Any = submission.data
        references = [(ORGANISATION.name, submission.organisation)]
        if submission.type.name == SUBMITTED:
            references += [(ORGANISATION.name, data.beneficiary.oin)] if data.beneficiary.oin else []
            references += [(INITIATIVE.name, data.initiative_id)] if data.initiative_id else []
        return references

    async def load(self, connection: Connection, submissions: Sequence[Submission]) -> FundingRows:
        deciding = [each for each in submissions if each.type.name == DECIDED]
        granted = await store.granted(connection, {each.key for each in deciding})
        registered = await store.registered_initiatives(connection, {each.subject for each in deciding})
        return FundingRows(Grants(Counter(granted)), registered)

    def decide(self, submission: Submission, known: DecisionState, now: datetime) -> Sequence[AggregateChange]:
        change = RULES[submission.type.name](submission, known, now)
        self._require_foreign_states(submission, known)
        return [change]

    async def save(self, connection: Connection, known: DecisionState, changes: Sequence[AggregateChange]) -> None:
        opened = {each.subject: each.state.ceiling_cents for each in changes if isinstance(each.state, Programme)}
        submitted = {each.subject: each.key for each in changes if each.event_type.name == SUBMITTED}
        await store.open_budgets(connection, opened)
        await store.index_applications(connection, submitted)
        await store.commit_grants(connection, granted_in(changes))

    def private_part_of(
        self, submission: Submission, known: DecisionState
    ) -> tuple[AggregateRef, ApplicationPlan] | None:
        """The plan of an undecided application whose private part is missing; None otherwise."""
        present = known.own_state(Application, APPLICATION, submission.subject)
        if submission.type.name != SUBMITTED or present is None or present.status != "submitted":
            return None
        if known.private_part(ApplicationPlan, APPLICATION, submission.subject) is not None:
            return None
        data: Any = submission.data
        return (APPLICATION.name, submission.subject), applications.plan_of(data)

    async def save_private_part(self, connection: Connection, state: Model, private: Model) -> None:
        """Nothing to write: the plan is in the aggregate alone."""

    def _require_foreign_states(self, submission: Submission, known: DecisionState) -> None:
        """Require the referenced organisations. The last check: a missing aggregate defers the submission.

        An application does not wait for its initiative.
        """
        for aggregate, subject in self.foreign_refs(submission):
            if aggregate == INITIATIVE.name:
                continue
            known.require_foreign(AGGREGATES[aggregate].model, AGGREGATES[aggregate], subject)
        if _opens(submission):
            programmes.require_grant_authority(
                known.require_foreign(Organisation, ORGANISATION, submission.organisation)
            )


def granted_in(changes: Iterable[AggregateChange]) -> Counter[str]:
    """Euro cents that ``changes`` grant, per programme; programmes without a grant are absent."""
    amounts: Counter[str] = Counter()
    for change in changes:
        if isinstance(change.state, Application) and (decision := change.state.decision):
            amounts[change.key] += decision.granted_cents
    return +amounts


def _opens(submission: Submission) -> bool:
    return submission.type.name == OPENED


def _open(submission: Submission, known: DecisionState, now: datetime) -> AggregateChange:
    data: Any = submission.data
    present = known.own_state(Programme, PROGRAMME, submission.subject)
    state = programmes.open_programme(data, present, submission.organisation)
    return AggregateChange(EVENT_TYPES[OPENED], submission.subject, submission.key, state)


def _apply(submission: Submission, known: DecisionState, now: datetime) -> AggregateChange:
    data: Any = submission.data
    state, plan = applications.apply(
        data, _case_file(submission, known), submission.organisation, submission.received_at
    )
    return AggregateChange(EVENT_TYPES[SUBMITTED], submission.subject, submission.key, state, private=plan)


def _decide(submission: Submission, known: DecisionState, now: datetime) -> AggregateChange:
    data: Any = submission.data
    case_file = _case_file(submission, known)
    state = decisions.decide(data, case_file, submission.organisation, now, submission.received_on)
    return AggregateChange(EVENT_TYPES[OUTCOMES[state.status]], submission.subject, submission.key, state)


def _case_file(submission: Submission, known: DecisionState) -> applications.CaseFile:
    rows: FundingRows = known.extra
    projected = {subject for aggregate, subject in known.foreign if aggregate == INITIATIVE.name}
    return applications.CaseFile(
        programme=known.own_state(Programme, PROGRAMME, submission.key),
        application=known.own_state(Application, APPLICATION, submission.subject),
        plan=known.private_part(ApplicationPlan, APPLICATION, submission.subject),
        granted_cents=rows.grants.after(known.changes)[submission.key],
        registered=rows.registered | projected,
    )


RULES: Final[Mapping[str, DecisionRule]] = {OPENED: _open, SUBMITTED: _apply, DECIDED: _decide}
