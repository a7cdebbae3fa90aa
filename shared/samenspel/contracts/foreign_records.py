"""Foreign records: records on a lane that are no canonical events, counted by range."""

from typing import NamedTuple


class ForeignRange(NamedTuple):
    """Foreign records of a lane, from ``first_offset`` up to, not including, ``next_offset``, without an event."""

    first_offset: int
    next_offset: int
    records: int


def range_with(known: ForeignRange | None, offset: int, last_event: int) -> ForeignRange | None:
    """The last known range of a lane, or a new range, with the foreign record at ``offset``.

    ``last_event`` is the offset of the last event before: after an event a new range begins. None for a record that
    was counted before, as in a log that is read again.
    """
    if known is not None and offset < known.next_offset:
        return None
    if known is not None and known.first_offset > last_event:
        return ForeignRange(known.first_offset, offset + 1, known.records + 1)
    return ForeignRange(offset, offset + 1, 1)
