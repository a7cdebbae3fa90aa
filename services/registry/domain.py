"""Rules for organisations, initiatives and rollouts.

Every function takes the submitted data and the current state. It returns the new state, or raises `Rejected` with all
problems at once. No I/O, no clock.
"""

from collections.abc import Collection
from datetime import date
from typing import Any, Final, Literal

from samenspel.contracts.initiatives import (
    PHASES,
    Initiative,
    InitiativeChanged,
    InitiativePhaseChanged,
    InitiativeRegistered,
    InitiativeStopped,
    Milestone,
    MilestoneCancelled,
    MilestoneMissed,
    MilestonePlanned,
    MilestoneReached,
    MilestoneRescheduled,
    Rollout,
    RolloutStarted,
)
from samenspel.contracts.organisations import Organisation, OrganisationAdmitted, OrganisationChanged
from samenspel.contracts.problems import Problem, Rejected, in_the_future, not_permitted, unknown

MILESTONES_MAX: Final = 100
EMPTIABLE: Final = ("period", "link")
"""Fields that a change removes with null. Null in any other field leaves the value unchanged."""
MilestoneSubmission = (
    MilestonePlanned | MilestoneRescheduled | MilestoneReached | MilestoneMissed | MilestoneCancelled
)


def admit(stated: OrganisationAdmitted, present: Organisation | None) -> Organisation:
    if present is not None:
        raise Rejected(_already_exists("oin", "organisation", stated.oin))
    return Organisation(**_fields(stated), version=1)


def change_organisation(stated: OrganisationChanged, present: Organisation | None) -> Organisation:
    if present is None:
        raise Rejected(unknown("unknown-organisation", "oin", stated.oin))
    _require_current_version(stated.based_on_version, present.version)
    fields = _fields(stated)
    del fields["based_on_version"]
    return Organisation(**fields, version=present.version + 1)


def register(
    stated: InitiativeRegistered, present: Initiative | None, lead: str, unknown_partners: Collection[str]
) -> Initiative:
    problems = [unknown("unknown-organisation", "partners", oin) for oin in unknown_partners]
    if present is not None:
        problems.append(_already_exists("initiative_id", "initiative", stated.initiative_id))
    if problems:
        raise Rejected(*problems)
    return Initiative(**{"phase": stated.phase, **_fields(stated)}, lead=lead, version=1)


def change(
    stated: InitiativeChanged, present: Initiative | None, by: str, unknown_partners: Collection[str]
) -> Initiative:
    initiative = _require_lead(by, present, stated.initiative_id)
    _require_current_version(stated.based_on_version, initiative.version)
    _require_running(initiative)
    if unknown_partners:
        raise Rejected(*(unknown("unknown-organisation", "partners", oin) for oin in unknown_partners))
    given = {name: value for name, value in _fields(stated).items() if value is not None or name in EMPTIABLE}
    del given["initiative_id"], given["based_on_version"]
    return initiative.model_copy(update={**given, "version": initiative.version + 1})


def change_phase(stated: InitiativePhaseChanged, present: Initiative | None, by: str) -> Initiative:
    initiative = _require_lead(by, present, stated.initiative_id)
    _require_current_version(stated.based_on_version, initiative.version)
    _require_running(initiative)
    later = PHASES[PHASES.index(initiative.phase) + 1 :] if initiative.phase in PHASES else ()
    if stated.phase not in later:
        raise Rejected(
            Problem(
                code="wrong-phase",
                field="/phase",
                detail=f"an initiative in phase {initiative.phase} cannot move to {stated.phase}",
                fix=f"Allowed phases: {', '.join(later) or 'none, this is the last phase'}.",
            )
        )
    return initiative.model_copy(update={"phase": stated.phase, "version": initiative.version + 1})


def stop(stated: InitiativeStopped, present: Initiative | None, by: str) -> Initiative:
    initiative = _require_lead(by, present, stated.initiative_id)
    _require_current_version(stated.based_on_version, initiative.version)
    _require_running(initiative)
    return initiative.model_copy(
        update={"phase": "stopped", "stopped_because": stated.reason, "version": initiative.version + 1}
    )


def start_rollout(
    stated: RolloutStarted, present: Rollout | None, initiative: Initiative | None, adopter: str
) -> Rollout:
    if initiative is None:
        raise Rejected(unknown("unknown-initiative", "initiative_id", stated.initiative_id))
    if present is not None:
        raise Rejected(_already_exists("rollout_id", "rollout", stated.rollout_id))
    _require_running(initiative)
    return Rollout(rollout_id=stated.rollout_id, initiative_id=stated.initiative_id, adopter=adopter, version=1)


def report(stated: MilestoneSubmission, present: Rollout | None, by: str, received_on: date) -> Rollout:
    """The rollout after the adopter's report on one milestone, received on day ``received_on``."""
    if present is None or present.initiative_id != stated.initiative_id:
        raise Rejected(unknown("unknown-rollout", "rollout_id", stated.rollout_id))
    if present.adopter != by:
        raise Rejected(not_permitted(f"only adopter {present.adopter} reports on this rollout"))
    if isinstance(stated, MilestoneReached):
        _require_past("reached_on", stated.reached_on, received_on)
    milestones = {each.milestone: each for each in present.milestones}
    milestones[stated.milestone] = _milestone_after(stated, milestones.get(stated.milestone), len(milestones))
    return present.model_copy(
        update={
            "milestones": tuple(milestones.values()),
            "latest_milestone": stated.milestone,
            "version": present.version + 1,
        }
    )


def _milestone_after(stated: MilestoneSubmission, present: Milestone | None, number: int) -> Milestone:
    if isinstance(stated, MilestonePlanned):
        return _planned(stated, present, number)
    if present is None:
        raise Rejected(unknown("unknown-milestone", "milestone", stated.milestone))
    if present.status != "planned":
        raise Rejected(
            Problem(
                code="already-decided",
                field="/milestone",
                detail=f"milestone {present.milestone} is {present.status}",
                fix="Plan another milestone under a new name.",
            )
        )
    match stated:
        case MilestoneRescheduled():
            return present.model_copy(update={"planned_on": stated.planned_on, "reason": stated.reason})
        case MilestoneReached():
            return present.model_copy(
                update={"status": "reached", "reached_on": stated.reached_on, "evidence": stated.evidence}
            )
        case MilestoneMissed():
            return _ended(present, "missed", stated.reason)
        case MilestoneCancelled():
            return _ended(present, "cancelled", stated.reason)


def _planned(stated: MilestonePlanned, present: Milestone | None, number: int) -> Milestone:
    if present is not None:
        raise Rejected(_already_exists("milestone", "milestone", stated.milestone))
    if number >= MILESTONES_MAX:
        raise Rejected(
            Problem(
                code="state-too-large",
                field="/milestone",
                detail=f"a rollout has at most {MILESTONES_MAX} milestones",
                fix="Report on the existing milestones, or start another rollout.",
            )
        )
    return Milestone(milestone=stated.milestone, title=stated.title, status="planned", planned_on=stated.planned_on)


def _ended(present: Milestone, status: Literal["missed", "cancelled"], reason: str) -> Milestone:
    return present.model_copy(update={"status": status, "reason": reason})


def _fields(
    stated: OrganisationAdmitted | OrganisationChanged | InitiativeRegistered | InitiativeChanged,
) -> dict[str, Any]:
    """Values of the fields that the submission contains."""
    return {name: getattr(stated, name) for name in stated.model_fields_set}


def _require_lead(by: str, present: Initiative | None, initiative_id: str) -> Initiative:
    if present is None:
        raise Rejected(unknown("unknown-initiative", "initiative_id", initiative_id))
    if present.lead != by:
        raise Rejected(not_permitted(f"only lead {present.lead} changes this initiative"))
    return present


def _require_past(field: str, day: date, received_on: date) -> None:
    if problem := in_the_future(field, day, received_on):
        raise Rejected(problem)


def _require_current_version(based_on: int, version: int) -> None:
    if based_on != version:
        raise Rejected(
            Problem(
                code="stale-version",
                field="/based_on_version",
                detail=f"the current version is {version}; the submission is based on version {based_on}",
                fix="Read the current state, and submit again with its version as based_on_version.",
            )
        )


def _require_running(initiative: Initiative) -> None:
    if initiative.phase == "stopped":
        raise Rejected(
            Problem(
                code="wrong-phase",
                field="/initiative_id",
                detail="the initiative is stopped",
                fix="Register a new initiative.",
            )
        )


def _already_exists(field: str, kind: str, name: str) -> Problem:
    return Problem(
        code="already-exists",
        field=f"/{field}",
        detail=f"{kind} {name} exists already",
        fix=f"Use a new id for a new {kind}, or submit a change of the existing {kind}.",
    )
