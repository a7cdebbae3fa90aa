"""Committed journal rows that this process still has in memory, so that its relay need not read them back.

A committed row never changes while the database keeps its incarnation (SQL function ``incarnation``): only a restart
or a restore gives another row the same position. The database compares the incarnation at each claim
(`outbox.relay.CLAIM`). Without rows in memory the relay reads the journal, as after a restart.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from samenspel.contracts.topics import LaneId
from samenspel.messaging.outbox.journal import JournalBatch
from samenspel.runtime.metrics import RECENT_BYTES

RECENT_BYTES_MAX: Final = 16 * 1_048_576
"""Bytes of rows in memory; above, the rows of whole lanes are dropped, the longest unused first."""
_ROW_BYTES: Final = 250
"""Memory of a row beside its bytes."""

_Row = tuple[str, bytes, bytes]
"""Key, header lines and value."""


class RowRange(NamedTuple):
    """Positions of the rows of a lane in memory, from ``first`` to ``last``."""

    topic: str
    lane: int
    timeline: int
    first: int
    last: int


@dataclass(slots=True)
class _LaneRows:
    timeline: int
    first: int
    rows: list[_Row]
    bytes: int

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1


class RecentRows:
    """Rows of consecutive sequences per lane, all of one incarnation of the database."""

    def __init__(self, bytes_max: int = RECENT_BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._lanes: dict[LaneId, _LaneRows] = {}
        self._bytes = 0
        self.incarnation = ""

    def add(self, batches: Iterable[JournalBatch]) -> None:
        """Keep the rows of a transaction, after its commit. Rows of an unknown outcome must not be added."""
        for batch in (each for each in batches if each.rows):
            if batch.incarnation != self.incarnation:
                self.clear()
                self.incarnation = batch.incarnation
            for topic, lane, timeline, sequence, _, after, upto in batch.ranges:
                self._extend((topic, lane), timeline, sequence - (upto - after) + 1, batch.rows[after:upto])
        while self._bytes > self._bytes_max:
            self._drop(next(iter(self._lanes)))
        RECENT_BYTES.set(self._bytes)

    def clear(self) -> None:
        self._lanes.clear()
        self._bytes = 0

    def ranges(self) -> list[RowRange]:
        """The positions of all rows."""
        return [RowRange(*name, each.timeline, each.first, each.last) for name, each in self._lanes.items()]

    def after(self, name: LaneId, timeline: int, sequence: int, limit: int) -> list[tuple[int, str, bytes, bytes]]:
        """The rows of a lane after a sequence, each with its own sequence; no rows if the next one is not here."""
        kept = self._lanes.get(name)
        start = sequence + 1 - kept.first if kept else 0
        if kept is None or kept.timeline != timeline or not 0 <= start < len(kept.rows):
            return []
        return [(sequence + 1 + number, *row) for number, row in enumerate(kept.rows[start : start + limit])]

    def forget(self, name: LaneId, timeline: int, sequence: int) -> None:
        """Drop the rows of a lane up to a sequence that is published."""
        kept = self._lanes.get(name)
        if kept is None or (kept.timeline, kept.last) <= (timeline, sequence):
            return self._drop(name)
        gone = kept.rows[: max(0, sequence + 1 - kept.first)] if kept.timeline == timeline else []
        del kept.rows[: len(gone)]
        kept.first += len(gone)
        self._resize(kept, -_size_of(gone))

    def _extend(self, name: LaneId, timeline: int, first: int, rows: Sequence[_Row]) -> None:
        kept = self._lanes.pop(name, None)
        if kept is None or (kept.timeline, kept.last + 1) != (timeline, first):
            self._bytes -= kept.bytes if kept else 0
            kept = _LaneRows(timeline, first, [], 0)
        self._lanes[name] = kept
        kept.rows += rows
        self._resize(kept, _size_of(rows))

    def _resize(self, kept: _LaneRows, number: int) -> None:
        kept.bytes += number
        self._bytes += number

    def _drop(self, name: LaneId) -> None:
        if kept := self._lanes.pop(name, None):
            self._bytes -= kept.bytes


def _size_of(rows: Sequence[_Row]) -> int:
    return sum(len(key) + len(lines) + len(value) + _ROW_BYTES for key, lines, value in rows)
