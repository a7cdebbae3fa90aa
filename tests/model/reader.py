"""The steps of a reader: apply the next record by the product's own `check`. A zombie is not fenced."""

from collections.abc import Iterator
from functools import cache

from samenspel.contracts.sequencing import Position, SequenceVerdict, check

from tests.model.rules import Broken
from tests.model.state import Event, Events, Place, Reader, Replica, Setting, State, Step, put

judged = cache(lambda timeline, sequence, *event: check(Position(timeline, sequence), *event))


def reader_steps(state: State, setting: Setting) -> Iterator[Step]:
    for at, replica in enumerate(state.replicas):
        for index, reader in enumerate(replica.readers):
            for what, after in one_reader(replica, index, reader, state.log, setting):
                words = (f"reader {{}} of replica {{}} {what[0]}", index, at, *what[1:])
                yield words, state._replace(replicas=put(state.replicas, at, after))


ReplicaStep = tuple[tuple[object, ...], Replica]


def one_reader(replica: Replica, index: int, reader: Reader, log: Events, setting: Setting) -> Iterator[ReplicaStep]:
    broken = setting.broken
    if broken is Broken.ONE_TRANSACTION and reader.holds is not None:
        moved = replica._replace(position=reader.holds)
        yield ("moves the position",), with_reader(moved, index, Reader(reader.offset))
    elif reader.offset > len(log):
        yield ("is told that its offset does not exist",), with_reader(replica, index, Reader(0))
    elif reader.offset == len(log) or (broken is Broken.READ_ON and reader.in_gap):
        return
    elif broken is Broken.LOCKED_POSITION and reader.holds is None:
        yield ("reads the position",), with_reader(replica, index, reader._replace(holds=replica.position))
    else:
        yield take(replica, index, log, broken)


def with_reader(replica: Replica, index: int, reader: Reader) -> Replica:
    return replica._replace(readers=put(replica.readers, index, reader))


def take(replica: Replica, index: int, log: Events, broken: object) -> ReplicaStep:
    """A record in a transaction with the checkpoint locked: state and checkpoint advance together."""
    reader = replica.readers[index]
    event = log[reader.offset]
    verdict = verdict_on(reader.holds or replica.position, event, broken)
    words = "takes {} at offset {}: {}", event, reader.offset, verdict.name
    if verdict is SequenceVerdict.NEW_TIMELINE and event.sequence == 1:
        replica, verdict = (
            replica._replace(position=Place(event.timeline), applied=(), offsets=()),
            SequenceVerdict.APPLY,
        )
    missing = verdict in (SequenceVerdict.GAP, SequenceVerdict.NEW_TIMELINE)
    if missing and not reader.in_gap:
        return words, with_reader(replica, index, Reader(open_lane(replica, log), in_gap=True))
    onwards = Reader(reader.offset + 1, in_gap=missing)
    if verdict is not SequenceVerdict.APPLY:
        return words, with_reader(replica, index, onwards)
    return words, applied(replica, index, event, onwards, broken)


def applied(replica: Replica, index: int, event: Event, onwards: Reader, broken: object) -> Replica:
    moved = Place(event.timeline, event.sequence, onwards.offset - 1)
    replica = replica._replace(applied=(*replica.applied, event), offsets=(*replica.offsets, moved.last_offset))
    if broken is Broken.ONE_TRANSACTION:
        return with_reader(replica, index, onwards._replace(holds=moved))
    return with_reader(replica._replace(position=moved), index, onwards)


def verdict_on(position: Place, event: Event, broken: object) -> SequenceVerdict:
    timeline = position.timeline if broken is Broken.TIMELINE else event.timeline
    verdict: SequenceVerdict = judged(position.timeline, position.sequence, timeline, event.sequence)
    if broken is Broken.NO_GAPS and verdict is SequenceVerdict.GAP:
        return SequenceVerdict.APPLY
    if broken is Broken.NO_EQUALS and event.sequence == position.sequence:
        return SequenceVerdict.APPLY
    return verdict


def open_lane(replica: Replica, log: Events) -> int:
    """Behind the last applied record; from the log's start when another is there."""
    timeline, sequence, last = replica.position
    if not 0 <= last < len(log) or (log[last].timeline, log[last].sequence) != (timeline, sequence):
        return 0
    return last + 1
