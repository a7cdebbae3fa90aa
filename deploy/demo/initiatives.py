"""What leads and adopters state of an invented initiative."""

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


def registered(idea: Idea, partners: Sequence[str]) -> InitiativeRegistered:
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


def moved(idea: Idea) -> Iterator[InitiativePhaseChanged]:
    """That it has come a phase further, if it has."""
    if idea.moves_to:
        yield InitiativePhaseChanged(
            initiative_id=id_of("initiative", idea.key), based_on_version=1, phase=idea.moves_to
        )


def adopted(idea: Idea, adoption: Adoption) -> Iterator[Model]:
    """The start of a rollout and all that its adopter reports, in order."""
    where = {
        "initiative_id": id_of("initiative", idea.key),
        "rollout_id": id_of("rollout", idea.key, adoption.adopter),
    }
    yield RolloutStarted(**where)
    for step in adoption.steps:
        yield from _reported(idea, step, {**where, "milestone": step.milestone})


def _reported(idea: Idea, step: Step, where: dict[str, str]) -> Iterator[Model]:
    yield MilestonePlanned(**where, title=idea.milestones[step.milestone], planned_on=step.planned)
    reason = step.because or INVENTED
    if step.rescheduled:
        yield MilestoneRescheduled(**where, planned_on=step.rescheduled, reason=reason)
    if step.reached:
        evidence = f"https://{idea.key}.example/{where['rollout_id']}/{step.milestone}"
        yield MilestoneReached(**where, reached_on=step.reached, evidence=evidence)
    if step.missed:
        yield MilestoneMissed(**where, reason=reason)
