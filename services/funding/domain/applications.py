"""Rules for applications (Awb title 4.2).

Functions of `services.funding.domain` take the submitted data and the current state. They return the new state, or
raise `Rejected` with all problems at once. No I/O, no clock. Amounts are euro cents.
"""

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from samenspel.contracts.funding import (
    Application,
    ApplicationPlan,
    ApplicationSubmitted,
    InitiativeLink,
    Programme,
)
from samenspel.contracts.problems import Rejected, unknown

from services.funding.domain.problems import already_exists, missing

NAME_INITIATIVE: Final = "Add the initiative_id of an initiative; the initiative may be registered later."


@dataclass(frozen=True, slots=True)
class CaseFile:
    """Current state of an application and its programme, as input of a decision.

    ``plan`` is None after the decision. ``granted_cents`` is the total that the programme has granted so far.
    ``registered`` has the ids of registered initiatives, as far as the decision refers to them.
    """

    programme: Programme | None
    application: Application | None
    plan: ApplicationPlan | None = None
    granted_cents: int = 0
    registered: Set[str] = frozenset()

    def link_to(self, initiative_id: str | None) -> InitiativeLink | None:
        if initiative_id is None:
            return None
        return "registered" if initiative_id in self.registered else "not-registered-yet"


def apply(
    stated: ApplicationSubmitted, case_file: CaseFile, applicant: str, received_at: datetime
) -> tuple[Application, ApplicationPlan]:
    """Public state of a new application, and the plan, which is private until the decision.

    The named initiative may be registered later: the state only says whether the initiative is registered.
    """
    problems = []
    if case_file.programme is None:
        problems.append(unknown("unknown-programme", "programme_id", stated.programme_id))
    if case_file.application is not None:
        problems.append(already_exists("application_id", "application", stated.application_id))
    if case_file.programme and case_file.programme.grant_requires_initiative and stated.initiative_id is None:
        problems.append(missing("initiative_id", "grants of this programme require an initiative", NAME_INITIATIVE))
    if problems:
        raise Rejected(*problems)
    application = Application(
        application_id=stated.application_id,
        programme_id=stated.programme_id,
        applicant=applicant,
        received_at=received_at,
        status="submitted",
        initiative_link=case_file.link_to(stated.initiative_id),
        version=1,
    )
    return application, plan_of(stated)


def plan_of(stated: ApplicationSubmitted) -> ApplicationPlan:
    return ApplicationPlan(**{name: getattr(stated, name) for name in ApplicationPlan.model_fields})
