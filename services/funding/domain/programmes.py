"""Rules for programmes (Awb 4:26)."""

from samenspel.contracts.funding import (
    Programme,
    ProgrammeOpened,
)
from samenspel.contracts.organisations import Organisation
from samenspel.contracts.problems import Problem, Rejected

from services.funding.domain.problems import already_exists


def open_programme(stated: ProgrammeOpened, present: Programme | None, authority: str) -> Programme:
    """A new programme. Ceiling, period and distribution method are published together and never change (Awb 4:26)."""
    if present is not None:
        raise Rejected(already_exists("programme_id", "programme", stated.programme_id))
    fields = {name: getattr(stated, name) for name in stated.model_fields_set}
    return Programme(**fields, authority=authority, version=1)


def require_grant_authority(organisation: Organisation) -> None:
    if "grant-authority" not in organisation.roles:
        raise Rejected(
            Problem(
                code="not-permitted",
                field="type",
                detail=f"{organisation.name} does not have the role grant-authority",
                fix="Ask the operator of this system for the role, or ask the authority to open the programme.",
            )
        )
