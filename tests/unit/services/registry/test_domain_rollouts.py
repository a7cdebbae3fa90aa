"""Submissions about rollouts: only the adopter reports, and a milestone ends once."""

from functools import partial
from typing import Any

import orjson
import pytest
from samenspel.contracts.catalogue import SUBMISSIONS, type_name
from samenspel.contracts.initiatives import Rollout, RolloutStarted

from services.registry import domain
from tests.support.events import new_id
from tests.unit.services.registry.test_domain import LEAD, OTHER, refused, registered, stopped

ADOPTER = OTHER
ENDINGS: dict[str, dict[str, str]] = {
    "reached": {"reached_on": "2027-02-01", "evidence": "https://stad.example/oplevering"},
    "missed": {"reason": "Geen netcapaciteit."},
    "cancelled": {"reason": "Straat wordt heringericht."},
}


def started() -> Rollout:
    initiative = registered()
    stated = RolloutStarted(initiative_id=initiative.initiative_id, rollout_id=new_id())
    return domain.start_rollout(stated, None, initiative, ADOPTER)


def reported(rollout: Rollout, what: str, milestone: str = "m1", by: str = ADOPTER, **more: Any) -> Rollout:
    model = SUBMISSIONS[type_name(f"rollout-milestone-{what}")].model
    data = {"initiative_id": rollout.initiative_id, "rollout_id": rollout.rollout_id, "milestone": milestone, **more}
    stated: Any = model.model_validate_json(orjson.dumps(data))
    return domain.report(stated, rollout, by)


def planned(rollout: Rollout, milestone: str = "m1") -> Rollout:
    return reported(rollout, "planned", milestone, title="Eerste straat", planned_on="2027-01-01")


def test_running_initiative_is_adopted_once_per_organisation() -> None:
    rollout = started()
    assert (rollout.adopter, rollout.version, rollout.milestones) == (ADOPTER, 1, ())
    stated = RolloutStarted(initiative_id=rollout.initiative_id, rollout_id=rollout.rollout_id)
    assert refused(lambda: domain.start_rollout(stated, rollout, registered(), ADOPTER)) == {"already-exists"}
    assert refused(lambda: domain.start_rollout(stated, None, None, ADOPTER)) == {"unknown-initiative"}
    assert refused(lambda: domain.start_rollout(stated, None, stopped(registered()), ADOPTER)) == {"wrong-phase"}


def test_rollout_is_reported_on_by_its_adopter_only() -> None:
    rollout = planned(started())
    assert refused(lambda: reported(rollout, "missed", by=LEAD, reason="x")) == {"not-permitted"}


def test_milestone_is_planned_once_and_named_in_the_event() -> None:
    rollout = planned(started())
    assert refused(lambda: planned(rollout)) == {"already-exists"}
    second = planned(rollout, "m2")
    assert [each.milestone for each in second.milestones] == ["m1", "m2"]
    assert (second.latest_milestone, second.version) == ("m2", 3)


def test_milestone_is_rescheduled_with_a_reason() -> None:
    after = reported(planned(started()), "rescheduled", planned_on="2027-06-01", reason="Netaansluiting later.")
    assert (str(after.milestones[0].planned_on), after.milestones[0].status) == ("2027-06-01", "planned")


@pytest.mark.parametrize("ending", ENDINGS)
def test_milestone_ends_once(ending: str) -> None:
    over = reported(planned(started()), ending, **ENDINGS[ending])
    assert over.milestones[0].status == ending
    for again, more in ENDINGS.items():
        assert refused(partial(reported, over, again, **more)) == {"already-decided"}


def test_unknown_milestone_or_rollout_is_refused() -> None:
    rollout = started()
    assert refused(lambda: reported(rollout, "missed", reason="x")) == {"unknown-milestone"}
    other = rollout.model_copy(update={"initiative_id": new_id()})
    stated = {
        "initiative_id": other.initiative_id,
        "rollout_id": rollout.rollout_id,
        "milestone": "m1",
        "reason": "x",
    }
    missed: Any = SUBMISSIONS[type_name("rollout-milestone-missed")].model.model_validate(stated)
    assert refused(lambda: domain.report(missed, rollout, ADOPTER)) == {"unknown-rollout"}
    assert refused(lambda: domain.report(missed, None, ADOPTER)) == {"unknown-rollout"}


def test_number_of_milestones_is_limited() -> None:
    rollout = started()
    for number in range(domain.MILESTONES_MAX):
        rollout = planned(rollout, f"m{number}")
    assert refused(lambda: planned(rollout, "one-more")) == {"state-too-large"}
