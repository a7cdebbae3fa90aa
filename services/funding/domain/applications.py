"""Rules for applications (Awb title 4.2).

Functions of `services.funding.domain` take the submitted data and the current state. They return the new state, or
raise `Rejected` with all problems at once. No I/O, no clock. Amounts are euro cents.
"""

from dataclasses import dataclass
from datetime import datetime

from samenspel.contracts.funding import (
    Application,
    ApplicationPlan,
    ApplicationSubmitted,
    Programme,
)
from samenspel.contracts.problems import Rejected, unknown

from services.funding.domain.problems import already_exists


@dataclass(frozen=True, slots=True)
class CaseFile:
    """Current state of an application and its programme, as input of a decision.

    ``plan`` is None after the decision. ``granted_cents`` is the total that the programme has granted so far.
    """

    programme: Programme | None
    application: Application | None
    plan: ApplicationPlan | None = None
    granted_cents: int = 0


def apply(
    stated: ApplicationSubmitted, case_file: CaseFile, applicant: str, received_at: datetime
) -> tuple[Application, ApplicationPlan]:
    """Public state of a new application, and the plan, which is private until the decision."""
    problems = []
    if case_file.programme is None:
        problems.append(unknown("unknown-programme", "programme_id", stated.programme_id))
    if case_file.application is not None:
        problems.append(already_exists("application_id", "application", stated.application_id))
    if problems:
        raise Rejected(*problems)
    application = Application(
        application_id=stated.application_id,
        programme_id=stated.programme_id,
        applicant=applicant,
        received_at=received_at,
        status="submitted",
        version=1,
    )
    return application, plan_of(stated)


def plan_of(stated: ApplicationSubmitted) -> ApplicationPlan:
    return ApplicationPlan(**{name: getattr(stated, name) for name in ApplicationPlan.model_fields})
