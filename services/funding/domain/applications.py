"""What may be stated about programmes and applications, and what it leads to (Awb title 4.2).

Every function takes what is stated and what is known, and gives the state after it, or raises `Rejected` with all
that is wrong. Nothing here knows a clock, a database or a topic. Money is euro cents.
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
    """All that is known of an application when something is stated about it.

    ``plan`` is there until the decision; ``granted_cents`` is what the programme has granted up to now.
    """

    programme: Programme | None
    application: Application | None
    plan: ApplicationPlan | None = None
    granted_cents: int = 0


def apply(
    stated: ApplicationSubmitted, case_file: CaseFile, applicant: str, received_at: datetime
) -> tuple[Application, ApplicationPlan]:
    """What everybody may see of a new application, and the plan that stays with the parties until the decision."""
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
