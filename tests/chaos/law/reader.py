"""What a reader may do on one lane: take the next record, by the product's own `judge`. Nothing fences a zombie."""

from collections.abc import Iterator

from samenspel.messaging.law import Position, Verdict, judge

from tests.chaos.law.world import TIMELINE, Broken, Lane, LaneStep, Place, Reader, put


def reader_steps(lane: Lane, index: int, broken: Broken | None) -> Iterator[LaneStep]:
    reader, who = lane.readers[index], f"reader {index}"
    if broken is Broken.ONE_TRANSACTION and reader.holds is not None:
        moved = lane._replace(position=reader.holds)
        yield f"{who} moves the position", with_reader(moved, index, Reader(reader.offset))
    elif reader.offset < len(lane.log):
        if broken is Broken.LOCKED_POSITION and reader.holds is None:
            held = reader._replace(holds=lane.position)
            yield f"{who} reads the position", with_reader(lane, index, held)
        else:
            yield take(lane, index, reader.holds or lane.position, broken)


def with_reader(lane: Lane, index: int, reader: Reader) -> Lane:
    return lane._replace(readers=put(lane.readers, index, reader))


def take(lane: Lane, index: int, position: Place, broken: Broken | None) -> LaneStep:
    """One record, in one transaction that holds the position's lock: state and position move together."""
    reader = lane.readers[index]
    number = lane.log[reader.offset]
    verdict = judged(position, number, broken)
    label = f"reader {index} takes {number} at offset {reader.offset}: {verdict.name}"
    if verdict is Verdict.HOLE and not reader.in_hole:
        return label, with_reader(lane, index, Reader(lane.position.last_offset + 1, in_hole=True))
    onwards = Reader(reader.offset + 1, in_hole=verdict is Verdict.HOLE)
    if verdict is not Verdict.APPLY:
        return label, with_reader(lane, index, onwards)
    moved = Place(number, reader.offset)
    lane = lane._replace(applied=(*lane.applied, number))
    if broken is Broken.ONE_TRANSACTION:
        return label, with_reader(lane, index, onwards._replace(holds=moved))
    return label, with_reader(lane._replace(position=moved), index, onwards)


def judged(position: Place, number: int, broken: Broken | None) -> Verdict:
    verdict = judge(Position(TIMELINE, position.sequence), TIMELINE, number)
    if broken is Broken.NO_GAPS and verdict is Verdict.HOLE:
        return Verdict.APPLY
    if broken is Broken.NO_EQUALS and number == position.sequence:
        return Verdict.APPLY
    return verdict
