"""What may happen next: transactions, relays and readers step by step, and what goes wrong."""

from collections.abc import Iterator
from functools import cache

from tests.chaos.law.reader import reader_steps, with_reader
from tests.chaos.law.relay import relay_steps, with_relay
from tests.chaos.law.world import (
    Broken,
    Events,
    Lane,
    LaneStep,
    Reader,
    Relay,
    Setting,
    State,
    Step,
    Transaction,
    put,
)


def steps(state: State, setting: Setting) -> Iterator[Step]:
    """Everything that may happen next when nothing fails."""
    yield from transaction_steps(state, setting)
    for index, lane in enumerate(state.lanes):
        uncommitted = drawn(state, index) if setting.broken is Broken.COMMIT_FIRST else ()
        for label, after in lane_steps(lane, uncommitted, setting.broken):
            yield f"lane {index}: {label}", state._replace(lanes=put(state.lanes, index, after))


def drawn(state: State, lane: int) -> Events:
    """The numbers that open transactions have drawn on a lane."""
    return tuple(number for each in state.open for at, number in each if at == lane)


def transaction_steps(state: State, setting: Setting) -> Iterator[Step]:
    for lanes in setting.transactions:
        if may_begin(state, lanes, setting):
            numbers = tuple((lane, max(state.lanes[lane].head, *drawn(state, lane), 0) + 1) for lane in lanes)
            yield f"a transaction begins: {numbers}", state._replace(open=(*state.open, numbers))
    for each in state.open:
        others = state._replace(open=tuple(other for other in state.open if other != each))
        yield f"it commits: {each}", others._replace(lanes=journalled(state.lanes, each))
        yield f"it rolls back: {each}", others


def may_begin(state: State, lanes: Events, setting: Setting) -> bool:
    if setting.broken is not Broken.LANE_LOCK and any(drawn(state, lane) for lane in lanes):
        return False
    return all(len(state.lanes[at].journal) + len(drawn(state, at)) < setting.events[at] for at in lanes)


def journalled(lanes: tuple[Lane, ...], transaction: Transaction) -> tuple[Lane, ...]:
    for at, number in transaction:
        lanes = put(lanes, at, lanes[at]._replace(journal=tuple(sorted((*lanes[at].journal, number)))))
    return lanes


@cache
def lane_steps(lane: Lane, uncommitted: Events, broken: Broken | None) -> list[LaneStep]:
    found: list[LaneStep] = []
    for index in range(len(lane.relays)):
        found += relay_steps(lane, index, uncommitted, broken)
    for each in sorted(set(lane.strays)):
        index = lane.strays.index(each)
        gone = lane._replace(strays=lane.strays[:index] + lane.strays[index + 1 :])
        found.append((f"a late request lands: {each}", gone._replace(log=lane.log + each)))
        found.append((f"a late request is lost: {each}", gone))
    for index in range(len(lane.readers)):
        found += reader_steps(lane, index, broken)
    return found


def faults(state: State, broken: Broken | None) -> Iterator[Step]:
    """Everything that may go wrong now; each costs one of the faults that are left."""
    after = state._replace(faults=state.faults - 1)
    for index in range(2):
        forgotten = tuple(give_up(lane, index) for lane in state.lanes)
        yield f"relay {index} dies or gives up", after._replace(lanes=forgotten)
        for place in ("its position", "the start"):
            opened = tuple(reopen(lane, index, from_start=place == "the start") for lane in state.lanes)
            yield f"reader {index} dies; the next reads on from {place}", after._replace(lanes=opened)
        for at, lane in enumerate(state.lanes):
            for label, broken_lane in lane_faults(lane, index, broken):
                yield f"lane {at}: {label}", after._replace(lanes=put(state.lanes, at, broken_lane))


def give_up(lane: Lane, index: int) -> Lane:
    """Whatever a relay has on the wire may still land, or not."""
    relay = lane.relays[index]
    strays = tuple(sorted((*lane.strays, relay.batch))) if relay.stage == "sent" else lane.strays
    return with_relay(lane._replace(strays=strays), index, Relay())


def reopen(lane: Lane, index: int, *, from_start: bool) -> Lane:
    return with_reader(lane, index, Reader(0 if from_start else lane.position.last_offset + 1))


def lane_faults(lane: Lane, index: int, broken: Broken | None) -> Iterator[LaneStep]:
    reader, relay = lane.readers[index], lane.relays[index]
    if max(lane.log[reader.offset + 1 :], default=0) > (*lane.log, 0)[reader.offset]:
        # One that nothing follows is missed unnoticed: until then the copy is behind, not wrong.
        missed = reader._replace(offset=reader.offset + 1)
        yield f"reader {index} misses offset {reader.offset}", with_reader(lane, index, missed)
    if broken is Broken.ONE_REQUEST and relay.stage == "sent" and len(relay.batch) > 1:
        landed = lane._replace(log=lane.log + relay.batch[1:])
        yield f"the first of {relay.batch} is lost, the rest lands", with_relay(landed, index, Relay())
