"""Submissions of leads and adopters about an invented initiative."""

from collections.abc import Iterator, Sequence
from typing import Final

from samenspel.contracts.initiatives import (
    Cost,
    InitiativePhaseChanged,
    InitiativeRegistered,
    MilestoneMissed,
    MilestonePlanned,
    MilestoneReached,
    MilestoneRescheduled,
    RolloutStarted,
)
from samenspel.contracts.values import Model

from deploy.demo.sample import Adoption, Idea, Step, id_of

INVENTED: Final = "Verzonnen voorbeeld (invented)."


def initiative_registered(idea: Idea, partners: Sequence[str]) -> InitiativeRegistered:
    """``partners`` are OINs."""
    return InitiativeRegistered(
        initiative_id=id_of("initiative", idea.key),
        title=idea.title,
        summary=f"{idea.summary} {INVENTED}",
        theme=idea.theme,
        phase=idea.phase,
        partners=tuple(partners),
        estimated_costs=tuple(Cost(category=name, amount_cents=100 * eur) for name, eur in idea.costs_eur.items()),
        period=idea.period,
        link=f"https://{idea.key}.example/",
    )


def phase_changes(idea: Idea) -> Iterator[InitiativePhaseChanged]:
    """The change to the next phase, if the sample contains one."""
    if idea.moves_to:
        yield InitiativePhaseChanged(
            initiative_id=id_of("initiative", idea.key), based_on_version=1, phase=idea.moves_to
        )


def rollout_statements(idea: Idea, adoption: Adoption) -> Iterator[Model]:
    """The start of a rollout and the adopter's reports, in order."""
    ids = {
        "initiative_id": id_of("initiative", idea.key),
        "rollout_id": id_of("rollout", idea.key, adoption.adopter),
    }
    yield RolloutStarted(**ids)
    for step in adoption.steps:
        yield from _milestone_statements(idea, step, {**ids, "milestone": step.milestone})


def _milestone_statements(idea: Idea, step: Step, ids: dict[str, str]) -> Iterator[Model]:
    yield MilestonePlanned(**ids, title=idea.milestones[step.milestone], planned_on=step.planned)
    reason = step.because or INVENTED
    if step.rescheduled:
        yield MilestoneRescheduled(**ids, planned_on=step.rescheduled, reason=reason)
    if step.reached:
        evidence = f"https://{idea.key}.example/{ids['rollout_id']}/{step.milestone}"
        yield MilestoneReached(**ids, reached_on=step.reached, evidence=evidence)
    if step.missed:
        yield MilestoneMissed(**ids, reason=reason)
