"""The decider of the registry: the aggregates that a submission needs, and the resulting changes."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from samenspel.contracts import initiatives, organisations
from samenspel.contracts.catalogue import (
    EVENT_TYPES,
    INITIATIVE,
    ORGANISATION,
    ROLLOUT,
    AggregateRef,
    submissions_of,
    type_name,
)
from samenspel.contracts.problems import Problem, Rejected
from samenspel.contracts.submissions import Submission
from samenspel.contracts.topics import Domain
from samenspel.contracts.values import Model
from samenspel.messaging import AggregateChange, DecisionState
from samenspel.runtime.postgres import Connection

from services.registry import domain, store

_AGGREGATES: Final = {name: each.aggregate for name, each in submissions_of("initiatives").items()}
"""The kind of aggregate that each submission type changes."""

DecisionRule = Callable[[Submission, DecisionState], Model]


class RegistryDecider:
    """`messaging.Decider` of the registry."""

    domain: Domain = "initiatives"
    types = submissions_of("initiatives")

    def __init__(self, operator: str) -> None:
        self._operator = operator

    def topic_of(self, submission: Submission) -> str:
        return _AGGREGATES[submission.type.name].topic

    def own_refs(self, submission: Submission) -> Sequence[AggregateRef]:
        aggregate = _AGGREGATES[submission.type.name]
        references = [(aggregate.name, submission.subject), (ORGANISATION.name, submission.organisation)]
        if partners := getattr(submission.data, "partners", None):
            references += [(ORGANISATION.name, oin) for oin in {*partners} - {submission.organisation}]
        if aggregate is ROLLOUT:
            references.append((INITIATIVE.name, submission.key))
        return references

    def foreign_refs(self, submission: Submission) -> Sequence[AggregateRef]:
        return ()

    async def load(self, connection: Connection, submissions: Sequence[Submission]) -> None: ...

    def decide(self, submission: Submission, known: DecisionState, now: datetime) -> Sequence[AggregateChange]:
        self._require_permitted(submission, known)
        event_type = EVENT_TYPES[submission.type.leads_to[0]]
        if known.is_removed(event_type.aggregate, submission.subject):
            raise Rejected(_REMOVED)
        state = RULES[submission.type.name](submission, known)
        return [AggregateChange(event_type, submission.subject, submission.key, state)]

    async def save(self, connection: Connection, known: DecisionState, changes: Sequence[AggregateChange]) -> None:
        await store.index_initiatives(connection, changes)

    def private_part_of(self, submission: Submission, known: DecisionState) -> None:
        """None: the registry publishes all submitted data."""

    async def save_private_part(self, connection: Connection, state: Model, private: Model) -> None:
        """Nothing to write: the registry has no private parts."""

    def _require_permitted(self, submission: Submission, known: DecisionState) -> None:
        if submission.organisation == self._operator:
            return
        if _AGGREGATES[submission.type.name] is ORGANISATION:
            raise Rejected(_OPERATOR_ONLY)
        if known.own_state(organisations.Organisation, ORGANISATION, submission.organisation) is None:
            raise Rejected(_NOT_ADMITTED)


_REMOVED: Final = Problem(
    code="subject-removed",
    field="subject",
    detail="the aggregate was removed",
    fix="Use a new id; the id of a removed aggregate cannot be used again.",
)
_OPERATOR_ONLY: Final = Problem(
    code="not-permitted",
    field="type",
    detail="only the operator admits and changes organisations",
    fix="Ask the operator of this system to submit the event.",
)
_NOT_ADMITTED: Final = Problem(
    code="unknown-organisation",
    field="source",
    detail="this organisation has not been admitted",
    fix="Ask the operator of this system to admit the organisation.",
)


def _organisation(known: DecisionState, subject: str) -> organisations.Organisation | None:
    return known.own_state(organisations.Organisation, ORGANISATION, subject)


def _initiative(known: DecisionState, subject: str) -> initiatives.Initiative | None:
    return known.own_state(initiatives.Initiative, INITIATIVE, subject)


def _rollout(known: DecisionState, subject: str) -> initiatives.Rollout | None:
    return known.own_state(initiatives.Rollout, ROLLOUT, subject)


def _unknown_partners(data: Any, known: DecisionState) -> list[str]:
    return [oin for oin in data.partners or () if _organisation(known, oin) is None]


def _admit(submission: Submission, known: DecisionState) -> Model:
    data: Any = submission.data
    return domain.admit(data, _organisation(known, submission.subject))


def _change_organisation(submission: Submission, known: DecisionState) -> Model:
    data: Any = submission.data
    return domain.change_organisation(data, _organisation(known, submission.subject))


def _register(submission: Submission, known: DecisionState) -> Model:
    data: Any = submission.data
    present = _initiative(known, submission.subject)
    return domain.register(data, present, submission.organisation, _unknown_partners(data, known))


def _change(submission: Submission, known: DecisionState) -> Model:
    data: Any = submission.data
    present = _initiative(known, submission.subject)
    return domain.change(data, present, submission.organisation, _unknown_partners(data, known))


def _change_phase(submission: Submission, known: DecisionState) -> Model:
    data: Any = submission.data
    return domain.change_phase(data, _initiative(known, submission.subject), submission.organisation)


def _stop(submission: Submission, known: DecisionState) -> Model:
    data: Any = submission.data
    return domain.stop(data, _initiative(known, submission.subject), submission.organisation)


def _start_rollout(submission: Submission, known: DecisionState) -> Model:
    data: Any = submission.data
    initiative = _initiative(known, submission.key)
    return domain.start_rollout(data, _rollout(known, submission.subject), initiative, submission.organisation)


def _report(submission: Submission, known: DecisionState) -> Model:
    data: Any = submission.data
    present = _rollout(known, submission.subject)
    return domain.report(data, present, submission.organisation, submission.received_on)


RULES: Final[Mapping[str, DecisionRule]] = {
    type_name("organisation-admitted"): _admit,
    type_name("organisation-changed"): _change_organisation,
    type_name("initiative-registered"): _register,
    type_name("initiative-changed"): _change,
    type_name("initiative-phase-changed"): _change_phase,
    type_name("initiative-stopped"): _stop,
    type_name("rollout-started"): _start_rollout,
    type_name("rollout-milestone-planned"): _report,
    type_name("rollout-milestone-rescheduled"): _report,
    type_name("rollout-milestone-reached"): _report,
    type_name("rollout-milestone-missed"): _report,
    type_name("rollout-milestone-cancelled"): _report,
}
