"""The law holds in every state of small scenarios; and each rule is needed: without the rule, harm is found."""

import pytest

from tests.model.explorer import Found, explore
from tests.model.rules import Broken
from tests.model.scenarios import HARM, LARGE, SMALL


def told(found: Found) -> str:
    return "\n".join([f"{found.states:,} states: {found.violation}", *found.trace])


@pytest.mark.parametrize("scenario", SMALL)
def test_law_holds_in_every_state_of_a_small_system(scenario: str) -> None:
    found = explore(SMALL[scenario])
    assert found.violation is None, told(found)
    assert found.complete and found.ends


@pytest.mark.long
@pytest.mark.parametrize("scenario", LARGE)
def test_law_holds_in_every_state_of_a_larger_system(scenario: str) -> None:
    found = explore(LARGE[scenario])
    assert found.violation is None, told(found)
    assert found.complete or found.states == LARGE[scenario].states_max


@pytest.mark.parametrize("rule", Broken)
def test_model_without_a_rule_reaches_a_violation(rule: Broken) -> None:
    setting, harm = HARM[rule]
    found = explore(setting._replace(broken=rule))
    print(told(found))
    assert harm in (found.violation or "nothing")


def test_every_rule_is_removed_in_one_scenario() -> None:
    assert HARM.keys() == set(Broken)
