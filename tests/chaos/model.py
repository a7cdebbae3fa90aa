"""The law of lanes, tried: every interleaving of a small world, and what must hold in each of its states.

Transactions publish on one or two lanes, two relays send without minding each other's lease, two readers apply to one
copy though one of them is a zombie. Requests get lost, land late, or land without their acknowledgement, and
everything dies at any step. ``python -m tests.chaos.model`` tries more of it than the test does, and shows the
shortest way in which each rule, when left out, does harm.
"""

import gc
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

from tests.chaos.law.steps import drawn, faults, steps
from tests.chaos.law.world import Broken, Lane, Setting, State, Step

Property = Callable[[Lane], str | None]
"""What must hold of a lane in every state; what it says instead, when it does not."""


def applied_once(lane: Lane) -> str | None:
    return None if len(set(lane.applied)) == len(lane.applied) else f"applied twice: {lane.applied}"


def applied_in_order(lane: Lane) -> str | None:
    expected = tuple(range(1, len(lane.applied) + 1))
    return None if lane.applied == expected else f"not applied in order, or with a gap: {lane.applied}"


def position_is_applied(lane: Lane) -> str | None:
    """What lies behind the position is never looked at again."""
    lost = lane.position.sequence > max(lane.applied, default=0)
    return f"position {lane.position.sequence}, applied {lane.applied}" if lost else None


def log_is_gapless(lane: Lane) -> str | None:
    first = tuple(dict.fromkeys(lane.log))
    return None if first == tuple(range(1, len(first) + 1)) else f"a gap in the log: {lane.log}"


def published_is_in_the_log(lane: Lane) -> str | None:
    """And its offset is the one behind that very record."""
    sequence, next_offset = lane.published
    there = next_offset <= len(lane.log) and (not sequence or lane.log[next_offset - 1] == sequence)
    whole = set(range(1, sequence + 1)) <= set(lane.log)
    return None if there and whole else f"published {lane.published}, the log holds {lane.log}"


def no_false_alarm(lane: Lane) -> str | None:
    closed = any(relay.stage == "ahead" for relay in lane.relays)
    return "the door closed though no database was restored" if closed else None


READING: tuple[Property, ...] = (applied_once, applied_in_order, position_is_applied)
LAW: tuple[Property, ...] = (*READING, log_is_gapless, published_is_in_the_log, no_false_alarm)


def violation(state: State, properties: tuple[Property, ...]) -> str | None:
    for index, lane in enumerate(state.lanes):
        if not {*lane.journal, *drawn(state, index)}.issuperset(lane.log):
            return f"lane {index}: the log {lane.log} holds what never happened; the journal {lane.journal}"
        if (found := lane_violation(lane, properties)) is not None:
            return f"lane {index}: {found}"
    return None


@cache
def lane_violation(lane: Lane, properties: tuple[Property, ...]) -> str | None:
    return next((found for holds in properties if (found := holds(lane)) is not None), None)


def at_rest(state: State) -> str | None:
    """Where nothing can happen any more, everything has arrived; or a reader says that its log has a hole."""
    for index, lane in enumerate(state.lanes):
        stalled = any(reader.in_hole for reader in lane.readers)
        if lane.applied != lane.journal and not stalled:
            return f"lane {index}: at rest with {lane.applied} applied of {lane.journal}"
    return None


class Found(NamedTuple):
    """How many states were tried; and the first violation with the shortest way to it, if there is one."""

    states: int
    violation: str | None = None
    trace: tuple[str, ...] = ()


Origins = dict[State, tuple[State, str] | None]


def explore(setting: Setting, properties: tuple[Property, ...] = LAW, start: State | None = None) -> Found:
    """Try every state, nearest first, until one violates a property."""
    gc.disable()  # Among a million tuples there is no cycle; looking for one takes a third of the time.
    try:
        return search(setting, properties, start or setting.start)
    finally:
        gc.enable()


def search(setting: Setting, properties: tuple[Property, ...], start: State) -> Found:
    origins: Origins = {start: None}
    ahead = deque(origins)
    tried = 0
    while ahead and tried < setting.tried_max:
        state = ahead.popleft()
        tried += 1
        wrong = violation(state, properties)
        following = list(steps(state, setting))
        if wrong or (not following and (wrong := at_rest(state))):
            return Found(tried, wrong, tuple(way_to(state, origins)))
        if state.faults:
            following += faults(state, setting.broken)
        ahead.extend(new(following, state, origins))
    return Found(tried)


def new(following: list[Step], state: State, origins: Origins) -> Iterator[State]:
    for label, after in following:
        origin = state, label
        if origins.setdefault(after, origin) is origin:
            yield after


def way_to(state: State, origins: Origins) -> list[str]:
    labels: list[str] = []
    while (origin := origins[state]) is not None:
        state, label = origin
        labels.append(label)
    return labels[::-1]


ONE_LANE, EITHER_OR_BOTH = ((0,),), ((0,), (1,), (0, 1))

SMALL = {
    "two events on one lane, one fault": Setting((2,), ONE_LANE, faults=1),
    "one event on each of two lanes, no fault": Setting((1, 1), EITHER_OR_BOTH, faults=0),
}
NEAREST = 300_000
LARGE = {
    "three events on one lane, no fault": Setting((3,), ONE_LANE, faults=0),
    "two events on one lane, two faults: the nearest": Setting((2,), ONE_LANE, faults=2, tried_max=NEAREST),
    "one event on each of two lanes, one fault: the nearest": Setting((1, 1), EITHER_OR_BOTH, 1, tried_max=NEAREST),
}
HARM: dict[str, Setting] = {broken: Setting((2,), ONE_LANE, faults=2, broken=broken) for broken in Broken}
"""In these worlds one rule is left out."""


def main() -> int:
    failed = False
    for name, setting in {**SMALL, **LARGE, **HARM}.items():
        begun = time.perf_counter()
        found = explore(setting)
        failed |= (found.violation is None) is not (setting.broken is None)
        print(f"{name}: {found.states:,} states in {time.perf_counter() - begun:.1f} s", flush=True)
        print(f"  {found.violation or 'the law holds'}", *found.trace, sep="\n    ", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
