"""Breadth-first through all interleavings: a path to a violation is a shortest path."""

import gc
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from tests.model.faults import faults
from tests.model.properties import at_rest, told, violation
from tests.model.state import Label, Setting, State, Step
from tests.model.steps import steps

Origins = dict[State, State | None]
STUCK = "nothing goes wrong any more, and yet it cannot come to rest"


@dataclass(frozen=True)
class Found:
    """Number of states, depth in steps and processor seconds of the exploration; and the first violation with a
    shortest path.
    """

    states: int
    depth: int
    seconds: float
    complete: bool = True
    ends: int = 0
    """Number of states without further steps."""
    violation: str | None = None
    trace: tuple[str, ...] = ()


def explore(setting: Setting, start: State | None = None, seconds_max: float | None = None) -> Found:
    """Explore every state, nearest first, until a property is violated."""
    gc.disable()  # A million tuples without cycles; the cycle collector would take a third of the time.
    try:
        return Search(setting, start or setting.start, seconds_max).run()
    finally:
        gc.enable()


class Search:
    def __init__(self, setting: Setting, start: State, seconds_max: float | None) -> None:
        self._setting = setting
        self._began = time.process_time()
        self._seconds_max = seconds_max
        self._origins: Origins = {start: None}
        self._nearest = deque([start])
        self._before: dict[State, list[State]] = {}
        """From where each state is reached when nothing fails; kept when all states will be tried."""
        self._rests: list[State] = []
        self._tried = self._depth = 0

    def run(self) -> Found:
        layer_ends = 1
        while self._nearest and not self._is_enough():
            if self._tried == layer_ends:
                self._depth += 1
                layer_ends += len(self._nearest)
            state = self._nearest.popleft()
            self._tried += 1
            if (wrong := self._visit(state)) is not None:
                return self._found(wrong, tuple(self._way_to(state)))
        if not self._nearest and (stuck := self._stuck()) is not None:
            return self._found(STUCK, tuple(self._way_to(stuck)))
        return self._found()

    def _is_enough(self) -> bool:
        if self._tried == self._setting.states_max:
            return True
        if self._seconds_max is None or self._tried % 1_000:
            return False
        return time.process_time() - self._began > self._seconds_max

    def _visit(self, state: State) -> str | None:
        if (wrong := violation(state, self._setting)) is not None:
            return wrong
        following = [after for _, after in steps(state, self._setting)]
        if self._setting.states_max is None:
            for after in following:
                self._before.setdefault(after, []).append(state)
        if not following:
            self._rests.append(state)
            if (wrong := at_rest(state, self._setting)) is not None:
                return wrong
        if state.faults:
            following += [after for _, after in faults(state, self._setting)]
        self._nearest.extend(self._new(following, state))
        return None

    def _new(self, following: list[State], state: State) -> Iterator[State]:
        origins = self._origins
        for after in following:
            if after not in origins:
                origins[after] = state
                yield after

    def _stuck(self) -> State | None:
        """The nearest state from which no rest can be reached."""
        if self._setting.states_max is not None:
            return None
        rested, ahead = set(self._rests), list(self._rests)
        while ahead:
            fresh = set(self._before.pop(ahead.pop(), ())) - rested
            rested |= fresh
            ahead += fresh
        return next((state for state in self._origins if state not in rested), None)

    def _found(self, wrong: str | None = None, trace: tuple[str, ...] = ()) -> Found:
        seconds = time.process_time() - self._began
        return Found(self._tried, self._depth, seconds, not self._nearest, len(self._rests), wrong, trace)

    def _way_to(self, state: State) -> list[str]:
        words: list[str] = []
        while (before := self._origins[state]) is not None:
            words.append(worded(next(label for label, after in self._all(before) if after == state)))
            state = before
        return words[::-1]

    def _all(self, state: State) -> Iterator[Step]:
        yield from steps(state, self._setting)
        if state.faults:
            yield from faults(state, self._setting)


def worded(label: Label) -> str:
    return str(label[0]).format(*map(told, label[1:]))
