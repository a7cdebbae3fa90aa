"""What the desk asks of the registry: which aggregates decide on a submission, and what it leads to."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from samenspel.contracts import initiatives, organisations
from samenspel.contracts.catalogue import (
    FACTS,
    INITIATIVE,
    ORGANISATION,
    ROLLOUT,
    Reference,
    submissions_of,
    type_name,
)
from samenspel.contracts.problems import Problem, Rejected
from samenspel.contracts.submissions import Submission
from samenspel.contracts.topics import Domain
from samenspel.contracts.values import Model
from samenspel.messaging.decisions.state import Change, World
from samenspel.runtime.postgres import Connection

from services.registry import domain, store

Decider = Callable[[Submission, World], Model]


class RegistryHandlers:
    """`messaging.desk.Handlers` for the registry."""

    domain: Domain = "initiatives"
    types = submissions_of("initiatives")

    def __init__(self, operator: str) -> None:
        self._operator = operator

    def topic_of(self, submission: Submission) -> str:
        return FACTS[submission.type.leads_to[0]].aggregate.topic

    def own(self, submission: Submission) -> Sequence[Reference]:
        aggregate = FACTS[submission.type.leads_to[0]].aggregate.name
        named = {submission.organisation, *(getattr(submission.data, "partners", None) or ())}
        references = [(aggregate, submission.subject), *((ORGANISATION.name, oin) for oin in named)]
        if aggregate == ROLLOUT.name:
            references.append((INITIATIVE.name, submission.key))
        return references

    def foreign(self, submission: Submission) -> Sequence[Reference]:
        return ()

    async def load(self, connection: Connection, submissions: Sequence[Submission]) -> None: ...

    def decide(self, submission: Submission, world: World, now: datetime) -> Sequence[Change]:
        self._may_submit(submission, world)
        fact = FACTS[submission.type.leads_to[0]]
        if world.is_removed(fact.aggregate, submission.subject):
            raise Rejected(_REMOVED)
        state = DECIDERS[submission.type.name](submission, world)
        return [Change(fact, submission.subject, submission.key, state)]

    async def save(self, connection: Connection, world: World, changes: Sequence[Change]) -> None:
        await store.index_initiatives(connection, changes)

    def withheld(self, submission: Submission, world: World) -> None:
        """What this service is told, it publishes."""

    def _may_submit(self, submission: Submission, world: World) -> None:
        if submission.organisation == self._operator:
            return
        if FACTS[submission.type.leads_to[0]].aggregate is ORGANISATION:
            raise Rejected(_OPERATOR_ONLY)
        if world.find(organisations.Organisation, ORGANISATION, submission.organisation) is None:
            raise Rejected(_NOT_ADMITTED)


_REMOVED: Final = Problem(
    code="subject-removed",
    field="subject",
    detail="it was removed, for good",
    fix="Use a new id; an id has one life.",
)
_OPERATOR_ONLY: Final = Problem(
    code="not-permitted",
    field="type",
    detail="only the operator admits and changes organisations",
    fix="Ask the operator of this system.",
)
_NOT_ADMITTED: Final = Problem(
    code="unknown-organisation",
    field="source",
    detail="this organisation has not been admitted",
    fix="Ask the operator of this system to admit it.",
)


def _organisation(world: World, subject: str) -> organisations.Organisation | None:
    return world.find(organisations.Organisation, ORGANISATION, subject)


def _initiative(world: World, subject: str) -> initiatives.Initiative | None:
    return world.find(initiatives.Initiative, INITIATIVE, subject)


def _rollout(world: World, subject: str) -> initiatives.Rollout | None:
    return world.find(initiatives.Rollout, ROLLOUT, subject)


def _unknown_partners(data: Any, world: World) -> list[str]:
    return [oin for oin in data.partners or () if _organisation(world, oin) is None]


def _admit(submission: Submission, world: World) -> Model:
    data: Any = submission.data
    return domain.admit(data, _organisation(world, submission.subject))


def _change_organisation(submission: Submission, world: World) -> Model:
    data: Any = submission.data
    return domain.change_organisation(data, _organisation(world, submission.subject))


def _register(submission: Submission, world: World) -> Model:
    data: Any = submission.data
    present = _initiative(world, submission.subject)
    return domain.register(data, present, submission.organisation, _unknown_partners(data, world))


def _change(submission: Submission, world: World) -> Model:
    data: Any = submission.data
    present = _initiative(world, submission.subject)
    return domain.change(data, present, submission.organisation, _unknown_partners(data, world))


def _change_phase(submission: Submission, world: World) -> Model:
    data: Any = submission.data
    return domain.change_phase(data, _initiative(world, submission.subject), submission.organisation)


def _stop(submission: Submission, world: World) -> Model:
    data: Any = submission.data
    return domain.stop(data, _initiative(world, submission.subject), submission.organisation)


def _start_rollout(submission: Submission, world: World) -> Model:
    data: Any = submission.data
    initiative = _initiative(world, submission.key)
    return domain.start_rollout(data, _rollout(world, submission.subject), initiative, submission.organisation)


def _report(submission: Submission, world: World) -> Model:
    data: Any = submission.data
    return domain.report(data, _rollout(world, submission.subject), submission.organisation)


DECIDERS: Final[Mapping[str, Decider]] = {
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
