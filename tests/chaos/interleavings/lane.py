"""One lane, from the owner's transaction to two consumers of the same copy.

What may go wrong: a transaction rolls back; a request is lost, or lands while its acknowledgement is lost, or lands
after its sender gave up; relays and consumers die at any step and are slow at any step; a consumer's client throws
away what it read. Leases are left out: the law must hold without them. An event is its sequence and the attempt that
wrote it.

Each `Rules` field that is False, and each `judge` that is not the product's, is a mutant.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from samenspel.messaging.law import Position, Verdict, judge

Event = tuple[int, int]
Batch = tuple[Event, ...]
UNCOMPARED, READY = ("uncompared",), ("ready",)
AWAY = None


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules as built, and the bounds of the search."""

    only_committed: bool = True
    prefix: bool = True
    await_acknowledgement: bool = True
    move_after_acknowledgement: bool = True
    one_transaction: bool = True
    locked_position: bool = True
    judge: Callable[[Position, int, int], Verdict] = judge
    events: int = 2
    attempts: int = 2
    log: int = 3
    faults: int = 2


class State(NamedTuple):
    journal: Batch = ()
    writing: Event | None = None
    attempts: int = 0
    published: tuple[int, int] = (0, 0)
    """Sequence, and the offset behind it."""
    relays: tuple[Any, ...] = (UNCOMPARED, UNCOMPARED)
    wire: tuple[tuple[int, Batch], ...] = ()
    """Requests under way, and the relay that waits for each; -1 when nobody does any more."""
    log: Batch = ()
    position: tuple[int, int] = (0, -1)
    """The consumer's: sequence, and offset of the last applied record."""
    applied: Batch = ()
    consumers: tuple[Any, ...] = (AWAY, AWAY)
    """Where each reads on, whether it has met a hole, and the position that it read when it opened."""
    faults: int = 0


Step = tuple[str, State]


def put(places: tuple[Any, ...], index: int, value: Any) -> tuple[Any, ...]:
    return (*places[:index], value, *places[index + 1 :])


def steps(rules: Rules) -> Callable[[State], Iterator[Step]]:
    """All that can happen next."""

    def of(state: State) -> Iterator[Step]:
        yield from _writer(rules, state)
        for index in range(len(state.relays)):
            yield from _relay(rules, state, index)
        yield from _kafka(rules, state)
        for index in range(len(state.consumers)):
            yield from _consumer(rules, state, index)

    return of


def _writer(rules: Rules, state: State) -> Iterator[Step]:
    if state.writing:
        yield f"commit {state.writing}", state._replace(journal=(*state.journal, state.writing), writing=None)
        if state.attempts < rules.attempts:
            yield f"roll back {state.writing}", state._replace(writing=None)
    elif len(state.journal) < rules.events and state.attempts < rules.attempts:
        event = len(state.journal) + 1, state.attempts
        yield f"write {event}", state._replace(writing=event, attempts=state.attempts + 1)


def _relay(rules: Rules, state: State, index: int) -> Iterator[Step]:
    def becomes(now: Any, **more: Any) -> State:
        return state._replace(relays=put(state.relays, index, now), **more)

    relay = state.relays[index]
    name = f"relay {index}"
    if relay != UNCOMPARED and state.faults < rules.faults:
        wire = tuple((-1 if waits == index else waits, batch) for waits, batch in state.wire)
        yield f"{name} dies or gives up", becomes(UNCOMPARED, wire=wire, faults=state.faults + 1)
    match relay:
        case ("uncompared",):
            yield f"{name} reads how far it was published", becomes(("comparing", *state.published))
        case ("comparing", *standing):
            same = tuple(standing) == state.published
            published = _contiguous(state, *standing) if same else state.published
            yield f"{name} compares: published {published}", becomes(READY, published=published)
        case ("ready",):
            yield from _send(rules, state, index)
        case ("acknowledged", sequence, offset, *moved):
            published = tuple(moved) if (sequence, offset) == state.published else state.published
            yield f"{name} moves to {published}", becomes(READY, published=published)


def _contiguous(state: State, sequence: int, offset: int) -> tuple[int, int]:
    """What the comparison finds behind the published offset: the highest sequence without a gap."""
    for place in range(offset, len(state.log)):
        if state.log[place][0] == sequence + 1:
            sequence, offset = sequence + 1, place + 1
    return sequence, offset


def _send(rules: Rules, state: State, index: int) -> Iterator[Step]:
    sequence, offset = state.published
    known = state.journal if rules.only_committed or not state.writing else (*state.journal, state.writing)
    under_way = {event for _, batch in state.wire for event in batch}
    rows = known[sequence:] if rules.prefix else tuple(event for event in known[sequence:] if event not in under_way)
    if not rules.await_acknowledgement:
        mine = [batch[-1][0] for waits, batch in state.wire if waits == index]
        rows = known[max(mine, default=sequence) :]
    room = rules.log - len(state.log) - sum(len(batch) for _, batch in state.wire)
    for length in range(1, min(len(rows), room) + 1):
        batch = rows[:length]
        waiting: Any = ("sent", sequence, offset) if rules.await_acknowledgement else READY
        after = state._replace(wire=(*state.wire, (index, batch)), relays=put(state.relays, index, waiting))
        if not rules.move_after_acknowledgement:
            after = after._replace(published=(batch[-1][0], offset + length))
        yield f"relay {index} sends {batch}", after


def _kafka(rules: Rules, state: State) -> Iterator[Step]:
    for place, (waits, batch) in enumerate(state.wire):
        wire = state.wire[:place] + state.wire[place + 1 :]
        landed = state._replace(wire=wire, log=state.log + batch)
        heard = _acknowledged(landed, waits, batch)
        yield f"{batch} lands" + (" and is acknowledged" if heard != landed else ""), heard
        if waits >= 0 and state.faults < rules.faults:
            gone = put(state.relays, waits, UNCOMPARED)
            yield f"{batch} lands, acknowledgement lost", landed._replace(relays=gone, faults=state.faults + 1)
            yield f"{batch} is lost", state._replace(wire=wire, relays=gone, faults=state.faults + 1)


def _acknowledged(state: State, waits: int, batch: Batch) -> State:
    if waits < 0:
        return state
    relay = state.relays[waits]
    was = relay[1:3] if relay[0] == "sent" else state.published
    moved = batch[-1][0], len(state.log)
    return state._replace(relays=put(state.relays, waits, ("acknowledged", *was, *moved)))


def _consumer(rules: Rules, state: State, index: int) -> Iterator[Step]:
    name, consumer = f"consumer {index}", state.consumers[index]
    if consumer is AWAY:
        opened = state.position[1] + 1, False, None if rules.locked_position else state.position
        yield f"{name} opens at {opened[0]}", state._replace(consumers=put(state.consumers, index, opened))
        return
    if state.faults < rules.faults:
        died = put(state.consumers, index, AWAY)
        yield f"{name} dies", state._replace(consumers=died, faults=state.faults + 1)
    start, in_hole, remembered = consumer
    for end in range(start + 1, len(state.log) + 1):
        yield from _apply(rules, state, index, end)
        if state.faults < rules.faults:
            deaf = put(state.consumers, index, (end, in_hole, remembered))
            yield f"{name} loses {start}-{end - 1}", state._replace(consumers=deaf, faults=state.faults + 1)


def _apply(rules: Rules, state: State, index: int, end: int) -> Iterator[Step]:
    """One transaction over the records up to ``end``; it may commit, and the answer be lost."""
    start, in_hole, remembered = state.consumers[index]
    (sequence, offset), applied, hole = state.position if rules.locked_position else remembered, state.applied, False
    for place in range(start, end):
        event = state.log[place]
        verdict = rules.judge(Position(sequence=sequence), 1, event[0])
        if verdict is Verdict.APPLY:
            sequence, offset, applied = event[0], place, (*applied, event)
        hole |= verdict is Verdict.HOLE
    position = sequence, offset
    kept = None if rules.locked_position else position
    reads_on = (offset + 1, True, kept) if hole and not in_hole else (end, hole, kept)
    done = state._replace(applied=applied, position=position)
    yield (
        f"consumer {index} applies {start}-{end - 1}: {applied}",
        done._replace(consumers=put(state.consumers, index, reads_on)),
    )
    if state.faults < rules.faults:
        lost = done if rules.one_transaction else state._replace(applied=applied)
        away = put(state.consumers, index, AWAY)
        yield f"consumer {index} commits {applied} and dies", lost._replace(consumers=away, faults=state.faults + 1)


def violation(state: State) -> str:
    """Which promise this state breaks; empty when none."""
    highest = 0
    for sequence, attempt in state.log:
        if sequence > highest + 1:
            return f"the log has a hole before {sequence}"
        highest = max(highest, sequence)
        if sequence <= len(state.journal) and state.journal[sequence - 1] != (sequence, attempt):
            return f"event {sequence} is another in the log than in the journal"
    if highest > len(state.journal):
        return f"the log is ahead of the journal: {highest}"
    if state.published[0] > highest:
        return f"{state.published[0]} counts as published and is not in the log"
    if state.applied != state.journal[: len(state.applied)]:
        return f"applied {state.applied}, written {state.journal}"
    if state.position[0] > len(state.applied):
        return f"the consumer stands at {state.position[0]} and has applied {len(state.applied)}"
    return ""


def is_goal(rules: Rules) -> Callable[[State], bool]:
    """Everything was written and applied."""
    return lambda state: len(state.applied) == rules.events
