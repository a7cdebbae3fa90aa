"""Foreign records are counted by range: a range ends at an event, and a known record is not counted again."""

from samenspel.contracts.foreign_records import ForeignRange, range_with


def test_record_after_an_event_begins_a_range_and_the_next_record_extends_the_range() -> None:
    first = range_with(None, 7, 6)
    assert first == ForeignRange(7, 8, 1)
    assert range_with(first, 9, 6) == ForeignRange(7, 10, 2), "offsets may have holes"
    assert range_with(first, 9, 8) == ForeignRange(9, 10, 1)


def test_known_record_is_not_counted_again() -> None:
    assert range_with(ForeignRange(7, 10, 3), 9, 6) is None
