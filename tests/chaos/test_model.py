"""The law holds in every state of a small world; and each of its rules is needed: without it, harm is found."""

from typing import Final

import pytest

from tests.chaos.law.world import Broken, Lane, Setting, State
from tests.chaos.model import HARM, LARGE, ONE_LANE, READING, SMALL, Found, explore

HARM_DONE: Final = {
    Broken.LANE_LOCK: "a gap in the log",
    Broken.COMMIT_FIRST: "holds what never happened",
    Broken.ONE_TRANSACTION: "applied twice",
    Broken.LOCKED_POSITION: "applied twice",
    Broken.NO_GAPS: "not applied in order, or with a gap",
    Broken.NO_EQUALS: "applied twice",
    Broken.ONE_REQUEST: "a gap in the log",
    Broken.PREFIX: "a gap in the log",
    Broken.ACKNOWLEDGED: "published Published(sequence=1, next_offset=1), the log holds ()",
    Broken.KAFKA_FIRST: "the door closed though no database was restored",
}


def told(found: Found) -> str:
    return "\n".join([f"{found.states:,} states: {found.violation}", *found.trace])


@pytest.mark.parametrize("world", SMALL)
def test_the_law_holds_in_every_state(world: str) -> None:
    found = explore(SMALL[world])
    assert found.violation is None, told(found)
    assert found.states > 70_000


@pytest.mark.long
@pytest.mark.parametrize("world", LARGE)
def test_the_law_holds_in_every_state_of_a_larger_world(world: str) -> None:
    found = explore(LARGE[world])
    assert found.violation is None, told(found)
    assert found.states > 130_000


@pytest.mark.parametrize("broken", Broken)
def test_without_a_rule_harm_is_found(broken: Broken) -> None:
    found = explore(HARM[broken])
    print(told(found))
    assert HARM_DONE[broken] in (found.violation or "nothing")


def test_a_hole_in_the_log_itself_is_read_past() -> None:
    """Readers do not trust the log: where only the second event has landed, they lose nothing and apply in order."""
    torn = State((Lane(journal=(1, 2), log=(2,)),), open=(), faults=0)
    found = explore(Setting((2,), ONE_LANE, faults=0), READING, start=torn)
    assert found.violation is None, told(found)
