"""Explicit-state search: every state that can be reached, and the shortest way to the first that may not be."""

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

S = TypeVar("S", bound=Hashable)
Step = tuple[str, S]
"""What happens, and the state after it."""


@dataclass(frozen=True, slots=True)
class Found(Generic[S]):
    """How many states were seen, whether the search ended by itself, and the shortest way to a violation, if any."""

    states: int
    exhausted: bool
    goals: int
    violation: str = ""
    trace: tuple[str, ...] = ()


def search(
    start: S,
    steps: Callable[[S], Iterable[Step[S]]],
    violation: Callable[[S], str],
    is_goal: Callable[[S], bool],
    states_max: int = 2_000_000,
) -> Found[S]:
    """Breadth first, so the first violation found is one with the fewest steps."""
    came_from: dict[S, tuple[S, str] | None] = {start: None}
    queue = deque([start])
    goals = 0
    while queue:
        state = queue.popleft()
        if broken := violation(state):
            return Found(len(came_from), False, goals, broken, _trace(came_from, state))
        goals += is_goal(state)
        if len(came_from) > states_max:
            return Found(len(came_from), False, goals)
        for what, after in steps(state):
            if after not in came_from:
                came_from[after] = state, what
                queue.append(after)
    return Found(len(came_from), True, goals)


def _trace(came_from: dict[S, tuple[S, str] | None], state: S) -> tuple[str, ...]:
    trace: list[str] = []
    while (before := came_from[state]) is not None:
        state, what = before
        trace.append(what)
    return tuple(reversed(trace))
