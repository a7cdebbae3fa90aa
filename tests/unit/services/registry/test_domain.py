"""Submissions about organisations and initiatives: only the lead changes, and never an outdated version."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from samenspel.contracts.initiatives import (
    Initiative,
    InitiativeChanged,
    InitiativePhaseChanged,
    InitiativeRegistered,
    InitiativeStopped,
)
from samenspel.contracts.organisations import OrganisationAdmitted, OrganisationChanged
from samenspel.contracts.problems import Rejected

from services.registry import domain
from tests.support.events import initiative

LEAD, OTHER = "00000099000000000344", "00000099000000000363"
CITY = {"oin": LEAD, "name": "Gemeente Utrecht", "kind": "municipality"}


def registered(**changes: Any) -> Initiative:
    stated = InitiativeRegistered.model_validate_json(orjson.dumps(initiative(**changes)))
    return domain.register(stated, None, LEAD, ())


def changed(present: Initiative, by: str = LEAD, unknown: tuple[str, ...] = (), **changes: Any) -> Initiative:
    data = {"initiative_id": present.initiative_id, "based_on_version": present.version, **changes}
    return domain.change(InitiativeChanged.model_validate_json(orjson.dumps(data)), present, by, unknown)


def moved(present: Initiative, phase: str, by: str = LEAD) -> Initiative:
    data = {"initiative_id": present.initiative_id, "based_on_version": present.version, "phase": phase}
    return domain.change_phase(InitiativePhaseChanged.model_validate(data), present, by)


def stopped(present: Initiative, by: str = LEAD) -> Initiative:
    data = {"initiative_id": present.initiative_id, "based_on_version": present.version, "reason": "Klaar."}
    return domain.stop(InitiativeStopped.model_validate(data), present, by)


def refused(act: Callable[[], object]) -> set[str]:
    """The codes with which this is refused."""
    with pytest.raises(Rejected) as refusal:
        act()
    return {problem.code for problem in refusal.value.problems}


def test_submitter_becomes_the_lead_of_its_initiative() -> None:
    state = registered()
    assert (state.lead, state.version) == (LEAD, 1)


def test_second_registration_of_an_id_is_refused_with_every_problem() -> None:
    state = registered()
    stated = InitiativeRegistered.model_validate_json(orjson.dumps(initiative()))
    assert refused(lambda: domain.register(stated, state, LEAD, [OTHER])) == {
        "already-exists",
        "unknown-organisation",
    }


def test_change_keeps_the_fields_that_it_does_not_name() -> None:
    before = registered()
    after = changed(before, title="Anders")
    assert after == before.model_copy(update={"title": "Anders", "version": 2})


def test_change_may_remove_end_and_link_only() -> None:
    before = registered()
    after = changed(before, period=None, link=None, title=None)
    assert (after.period, after.link, after.title) == (None, None, before.title)


def test_initiative_is_changed_by_its_lead_only() -> None:
    present = registered()
    for act in (
        lambda: changed(present, OTHER),
        lambda: moved(present, "scaling", OTHER),
        lambda: stopped(present, OTHER),
    ):
        assert refused(act) == {"not-permitted"}


def test_change_based_on_an_old_version_is_refused() -> None:
    present = changed(registered(), title="Anders")
    assert refused(lambda: changed(present, based_on_version=1)) == {"stale-version"}
    assert refused(lambda: changed(present, based_on_version=3)) == {"stale-version"}


def test_unknown_partners_are_refused() -> None:
    assert refused(lambda: changed(registered(), unknown=(OTHER,))) == {"unknown-organisation"}


@pytest.mark.parametrize(("phase", "to"), [("idea", "pilot"), ("idea", "established"), ("pilot", "scaling")])
def test_phase_change_forward_is_accepted(phase: str, to: str) -> None:
    assert moved(registered(phase=phase), to).phase == to


@pytest.mark.parametrize(("phase", "to"), [("pilot", "idea"), ("pilot", "pilot"), ("established", "scaling")])
def test_phase_change_backward_is_refused(phase: str, to: str) -> None:
    assert refused(lambda: moved(registered(phase=phase), to)) == {"wrong-phase"}


def test_stopped_initiative_accepts_no_change() -> None:
    over = stopped(registered())
    assert (over.phase, over.stopped_because) == ("stopped", "Klaar.")
    for act in (lambda: changed(over), lambda: moved(over, "scaling"), lambda: stopped(over)):
        assert refused(act) == {"wrong-phase"}


def test_organisation_is_admitted_once_and_changed_as_a_whole() -> None:
    admitted = domain.admit(OrganisationAdmitted.model_validate({**CITY, "cbs_code": "GM0344"}), None)
    assert refused(lambda: domain.admit(OrganisationAdmitted.model_validate(CITY), admitted)) == {"already-exists"}
    change = OrganisationChanged.model_validate({**CITY, "name": "Utrecht", "based_on_version": 1})
    after = domain.change_organisation(change, admitted)
    assert (after.name, after.cbs_code, after.version) == ("Utrecht", None, 2)
    assert refused(lambda: domain.change_organisation(change, after)) == {"stale-version"}
    assert refused(lambda: domain.change_organisation(change, None)) == {"unknown-organisation"}
