"""Statements on invented initiatives: marked as invented, reported in order."""

from datetime import date

import pytest
from samenspel.contracts.initiatives import (
    MilestoneMissed,
    MilestonePlanned,
    MilestoneReached,
    MilestoneRescheduled,
    RolloutStarted,
)

from deploy.demo.initiatives import INVENTED, initiative_registered, phase_changes, rollout_statements
from deploy.demo.sample import Adoption, Idea, Sample, Step

IDEAS = Sample.read().ideas


@pytest.mark.parametrize("idea", IDEAS, ids=lambda idea: idea.key)
def test_initiative_is_registered_in_cents_and_marked_as_invented(idea: Idea) -> None:
    stated = initiative_registered(idea, ["00000099000000000344"])
    assert INVENTED in stated.summary
    assert [cost.amount_cents for cost in stated.estimated_costs or ()] == [
        100 * eur for eur in idea.costs_eur.values()
    ]
    assert [each.phase for each in phase_changes(idea)] == ([idea.moves_to] if idea.moves_to else [])


@pytest.mark.parametrize(
    ("step", "kinds"),
    [
        ({}, []),
        ({"rescheduled": date(2026, 2, 1), "reached": date(2026, 2, 1)}, [MilestoneRescheduled, MilestoneReached]),
        ({"missed": True, "because": "no staff"}, [MilestoneMissed]),
    ],
)
def test_rollout_is_started_and_each_milestone_reported_in_order(step: dict[str, object], kinds: list[type]) -> None:
    idea = IDEAS[0]
    milestone = next(iter(idea.milestones))
    stated = Step.model_validate({"milestone": milestone, "planned": date(2026, 1, 1), **step})
    reports = list(rollout_statements(idea, Adoption(adopter="Utrecht", steps=(stated,))))
    assert [type(each) for each in reports] == [RolloutStarted, MilestonePlanned, *kinds]
    assert len({each.rollout_id for each in reports}) == 1  # type: ignore[attr-defined]  # each names its rollout
