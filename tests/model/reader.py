"""The steps of a reader: apply the next record by the product's own `check`. A zombie is not fenced."""

from collections.abc import Iterator
from functools import cache

from samenspel.contracts.sequencing import Position, SequenceVerdict, check

from tests.model.rules import Broken
from tests.model.state import Copy, Event, Events, Place, Reader, Setting, State, Step, put

judged = cache(lambda timeline, sequence, *event: check(Position(timeline, sequence), *event))


def reader_steps(state: State, setting: Setting) -> Iterator[Step]:
    for at, copy in enumerate(state.copies):
        for index, reader in enumerate(copy.readers):
            for what, after in one_reader(copy, index, reader, state.log, setting):
                words = (f"reader {{}} of copy {{}} {what[0]}", index, at, *what[1:])
                yield words, state._replace(copies=put(state.copies, at, after))


CopyStep = tuple[tuple[object, ...], Copy]


def one_reader(copy: Copy, index: int, reader: Reader, log: Events, setting: Setting) -> Iterator[CopyStep]:
    broken = setting.broken
    if broken is Broken.ONE_TRANSACTION and reader.holds is not None:
        moved = copy._replace(position=reader.holds)
        yield ("moves the position",), with_reader(moved, index, Reader(reader.offset))
    elif reader.offset > len(log):
        yield ("is told that its offset does not exist",), with_reader(copy, index, Reader(0))
    elif reader.offset == len(log) or (broken is Broken.READ_ON and reader.in_hole):
        return
    elif broken is Broken.LOCKED_POSITION and reader.holds is None:
        yield ("reads the position",), with_reader(copy, index, reader._replace(holds=copy.position))
    else:
        yield take(copy, index, log, broken)


def with_reader(copy: Copy, index: int, reader: Reader) -> Copy:
    return copy._replace(readers=put(copy.readers, index, reader))


def take(copy: Copy, index: int, log: Events, broken: object) -> CopyStep:
    """A record in a transaction with the checkpoint locked: state and checkpoint advance together."""
    reader = copy.readers[index]
    event = log[reader.offset]
    verdict = verdict_on(reader.holds or copy.position, event, broken)
    words = "takes {} at offset {}: {}", event, reader.offset, verdict.name
    if verdict is SequenceVerdict.NEW_TIMELINE and event.sequence == 1:
        copy, verdict = copy._replace(position=Place(event.timeline), applied=(), offsets=()), SequenceVerdict.APPLY
    missing = verdict in (SequenceVerdict.GAP, SequenceVerdict.NEW_TIMELINE)
    if missing and not reader.in_hole:
        return words, with_reader(copy, index, Reader(open_lane(copy, log), in_hole=True))
    onwards = Reader(reader.offset + 1, in_hole=missing)
    if verdict is not SequenceVerdict.APPLY:
        return words, with_reader(copy, index, onwards)
    return words, applied(copy, index, event, onwards, broken)


def applied(copy: Copy, index: int, event: Event, onwards: Reader, broken: object) -> Copy:
    moved = Place(event.timeline, event.sequence, onwards.offset - 1)
    copy = copy._replace(applied=(*copy.applied, event), offsets=(*copy.offsets, moved.last_offset))
    if broken is Broken.ONE_TRANSACTION:
        return with_reader(copy, index, onwards._replace(holds=moved))
    return with_reader(copy._replace(position=moved), index, onwards)


def verdict_on(position: Place, event: Event, broken: object) -> SequenceVerdict:
    timeline = position.timeline if broken is Broken.TIMELINE else event.timeline
    verdict: SequenceVerdict = judged(position.timeline, position.sequence, timeline, event.sequence)
    if broken is Broken.NO_GAPS and verdict is SequenceVerdict.GAP:
        return SequenceVerdict.APPLY
    if broken is Broken.NO_EQUALS and event.sequence == position.sequence:
        return SequenceVerdict.APPLY
    return verdict


def open_lane(copy: Copy, log: Events) -> int:
    """Behind the last applied record; from the log's start when another is there."""
    timeline, sequence, last = copy.position
    if not 0 <= last < len(log) or (log[last].timeline, log[last].sequence) != (timeline, sequence):
        return 0
    return last + 1
