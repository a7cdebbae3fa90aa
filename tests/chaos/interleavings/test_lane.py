"""The law holds in every state that can be reached, and without any one of its rules it does not."""

import pytest
from samenspel.messaging.law import Position, Verdict, judge

from tests.chaos.interleavings.lane import Rules, State, is_goal, steps, violation
from tests.chaos.interleavings.search import Found, search


def run(rules: Rules) -> Found[State]:
    return search(State(), steps(rules), violation, is_goal(rules))


def accept_gaps(position: Position, timeline: int, sequence: int) -> Verdict:
    verdict = judge(position, timeline, sequence)
    return Verdict.APPLY if verdict is Verdict.HOLE else verdict


def accept_equal(position: Position, timeline: int, sequence: int) -> Verdict:
    return Verdict.APPLY if sequence == position.sequence else judge(position, timeline, sequence)


MUTANTS = {
    "sent before the commit": Rules(only_committed=False),
    "two relays without the prefix rule": Rules(prefix=False),
    "the next batch before the acknowledgement": Rules(await_acknowledgement=False),
    "published before the acknowledgement": Rules(move_after_acknowledgement=False),
    "position in a second transaction": Rules(one_transaction=False),
    "position remembered instead of locked": Rules(locked_position=False),
    "gaps accepted": Rules(judge=accept_gaps),
    "an equal sequence accepted": Rules(judge=accept_equal),
}


def test_the_law_holds_in_every_reachable_state() -> None:
    found = run(Rules())
    assert not found.violation, "\n".join([found.violation, *found.trace])
    assert found.exhausted
    assert found.states >= 100_000
    assert found.goals > 0


@pytest.mark.long
@pytest.mark.parametrize("rules", [Rules(attempts=3), Rules(log=4), Rules(faults=3)], ids=["tries", "log", "faults"])
def test_the_law_holds_within_wider_bounds(rules: Rules) -> None:
    found = run(rules)
    print(f"{found.states:,} states")
    assert not found.violation, "\n".join([found.violation, *found.trace])


@pytest.mark.parametrize("name", MUTANTS)
def test_every_rule_is_needed(name: str) -> None:
    found = run(MUTANTS[name])
    print(f"without it ({name}), after {found.states:,} states: {found.violation}")
    print("\n".join(f"  {number}. {what}" for number, what in enumerate(found.trace, 1)))
    assert found.violation
