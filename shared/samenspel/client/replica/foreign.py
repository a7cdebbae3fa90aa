"""Foreign records that a sync or a verification met: one line per range, and a bounded number of ranges."""

from dataclasses import dataclass
from typing import Final

from samenspel.contracts.foreign_records import ForeignRange, range_with
from samenspel.contracts.topics import LaneId, lane_label

RANGES_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class ForeignReport:
    """Foreign records of a lane between two events; ``first`` and ``last`` are offsets in Kafka."""

    lane: str
    first: int
    last: int
    records: int

    def __str__(self) -> str:
        return (
            f"{self.lane}: {self.records:,} record(s) from offset {self.first:,} to {self.last:,} are no canonical "
            "events and were skipped"
        )


class ForeignRecordCount:
    """Collects foreign records. Of the ranges, the first `RANGES_MAX` are kept; ``number`` counts all records."""

    def __init__(self) -> None:
        self.number = 0
        self._latest: dict[LaneId, ForeignRange] = {}
        self._ranges: dict[tuple[LaneId, int], ForeignRange] = {}

    def add(self, name: LaneId, offset: int, last_event: int) -> None:
        """Add a record of a lane whose last event is at offset ``last_event``. A known record is ignored."""
        found = range_with(self._latest.get(name), offset, last_event)
        if found is None:
            return
        self.number += 1
        self._latest[name] = found
        if (name, found.first_offset) in self._ranges or len(self._ranges) < RANGES_MAX:
            self._ranges[name, found.first_offset] = found

    def reports(self) -> tuple[ForeignReport, ...]:
        return tuple(
            ForeignReport(lane_label(lane), each.first_offset, each.next_offset - 1, each.records)
            for (lane, _), each in sorted(self._ranges.items())
        )
