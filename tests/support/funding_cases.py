"""Programmes, applications and decisions for tests of the domain, and a processor without a database."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import uuid4

import orjson
from samenspel.contracts.catalogue import INITIATIVE, ORGANISATION, AggregateRef, submissions_of, type_name
from samenspel.contracts.examples import EXAMPLES
from samenspel.contracts.funding import (
    Application,
    ApplicationDecided,
    ApplicationSubmitted,
    Programme,
    ProgrammeOpened,
)
from samenspel.contracts.initiatives import Initiative
from samenspel.contracts.organisations import Organisation
from samenspel.contracts.problems import AggregateNotArrived, Rejected
from samenspel.contracts.submissions import Submission
from samenspel.contracts.values import Model
from samenspel.messaging.decisions.state import AggregateChange, DecisionState, StoredAggregate

from services.funding.domain import applications, decisions, programmes
from services.funding.handlers import FundingDecider, FundingRows, Grants, granted_in

RIJK = "00000099000000000100"
CITY = "00000099000000000200"
OTHER = "00000099000000000300"
RECEIVED = datetime(2026, 3, 1, 9, tzinfo=UTC)
NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)
TYPES = submissions_of("funding")
M = TypeVar("M", bound=Model)


def new_id() -> str:
    return str(uuid4())


def opened(ceiling_cents: int = 1_000, **changes: Any) -> ProgrammeOpened:
    return _stated(ProgrammeOpened, "programme-opened", ceiling_cents=ceiling_cents, **changes)


def submitted(requested_cents: int = 100, **changes: Any) -> ApplicationSubmitted:
    return _stated(ApplicationSubmitted, "application-submitted", requested_cents=requested_cents, **changes)


def granting(amount_cents: int | None, **changes: Any) -> ApplicationDecided:
    return _stated(ApplicationDecided, "application-decided", amount_cents=amount_cents, **changes)


def refusing(*grounds: str, **changes: Any) -> ApplicationDecided:
    stated = {"outcome": "refuse", "grounds": grounds, "amount_cents": None, **changes}
    return _stated(ApplicationDecided, "application-decided", **stated)


def programme(ceiling_cents: int = 1_000, **changes: Any) -> Programme:
    return programmes.open_programme(opened(ceiling_cents, **changes), None, RIJK)


def dossier(
    requested_cents: int = 100, ceiling_cents: int = 1_000, granted_cents: int = 0, **about: Any
) -> applications.CaseFile:
    """An application ready for a decision; ``about`` describes the programme."""
    there = programme(ceiling_cents, **about)
    application, plan = applications.apply(
        submitted(requested_cents), applications.CaseFile(there, None), CITY, RECEIVED
    )
    return applications.CaseFile(there, application, plan, granted_cents)


def decided(stated: ApplicationDecided, about: applications.CaseFile, by: str = RIJK) -> Application:
    return decisions.decide(stated, about, by, NOW, NOW.date())


def codes_of(rejected: Rejected) -> list[tuple[str, str]]:
    """Code and field of each problem."""
    return [(problem.code, problem.field) for problem in rejected.problems]


def organisation(oin: str, *roles: str) -> Organisation:
    stated = {"oin": oin, "name": f"Organisation {oin[-3:]}", "kind": "ministry", "roles": roles, "version": 1}
    return Organisation.model_validate(stated)


def initiative(initiative_id: str) -> Initiative:
    stated = {**EXAMPLES["initiative-registered"], "initiative_id": initiative_id, "lead": CITY, "version": 1}
    return Initiative.model_validate_json(orjson.dumps(stated))


def submission(fact: str, data: Model, by: str) -> Submission:
    kind = TYPES[type_name(fact)]
    subject, key = getattr(data, kind.subject_field), getattr(data, kind.key_field)
    return Submission(
        by, f"urn:nld:oin:{by}:systeem:tests", new_id(), kind, subject, key, data, b"", RECEIVED, "test"
    )


@dataclass
class MemoryProcessor:
    """Calls the handlers as the processor does, and a budget table in memory."""

    known: Iterable[Model] = ()
    own: dict[AggregateRef, StoredAggregate] = field(default_factory=dict)
    budgets: Counter[str] = field(default_factory=Counter)

    def settle(self, *batch: Submission) -> list[AggregateChange | Rejected | AggregateNotArrived]:
        """Decide these in a transaction; returns the results."""
        known = self.state()
        outcomes = [self._decide(each, known) for each in batch]
        self.own = known.own
        self.budgets.update(granted_in(known.changes))
        return outcomes

    def state(self) -> DecisionState:
        """The state for a transaction beginning now."""
        return DecisionState(dict(self.own), self._foreign(), FundingRows(Grants(Counter(self.budgets))))

    def _decide(self, each: Submission, known: DecisionState) -> AggregateChange | Rejected | AggregateNotArrived:
        try:
            (change,) = FundingDecider().decide(each, known, NOW)
        except (Rejected, AggregateNotArrived) as outcome:
            return outcome
        private = change.private.model_dump_json().encode() if change.private else None
        known.own[change.ref] = StoredAggregate(b"", private=private, model=change.state)
        known.changes.append(change)
        return change

    def _foreign(self) -> Mapping[AggregateRef, StoredAggregate]:
        named = {Organisation: (ORGANISATION.name, "oin"), Initiative: (INITIATIVE.name, "initiative_id")}
        return {
            (named[type(fact)][0], getattr(fact, named[type(fact)][1])): StoredAggregate(b"", model=fact)
            for fact in self.known
        }


def _stated(model: type[M], fact: str, **changes: Any) -> M:
    """The catalogue's example with these changes (None removes a field), read like a received submission."""
    data = {name: value for name, value in {**EXAMPLES[fact], **changes}.items() if value is not None}
    return model.model_validate_json(orjson.dumps(data))
