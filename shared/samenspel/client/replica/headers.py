"""The headers of a canonical event, read a hundred thousand times a second.

One owner writes the same header names in the same order on every event. So what follows from the names (which
places hold what, how the lines are made) is worked out once per combination of names and then only looked up.
"""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, Final

Header = tuple[str, bytes]
_SEQUENCING_FIELDS: Final = ("ce_timeline", "ce_sequence", "ce_aggregate", "ce_subject", "ce_statedigest")
_COLUMNS: Final = (
    "ce_id",
    "ce_type",
    "ce_aggregate",
    "ce_subject",
    "ce_time",
    "ce_correlationid",
    "ce_causationid",
    "ce_submissionid",
    "ce_authid",
)
_Pick = Callable[[Sequence[bytes]], tuple[bytes, ...]]


class HeaderShape:
    """What follows from header names alone; its attributes are functions of the header values.

    ``law`` gives timeline, sequence, aggregate, subject, statedigest; ``columns`` what table ``event`` shows;
    ``lines`` the event's lines as `contracts.canonical.to_lines` makes them. Raises KeyError when a name is missing.
    """

    __slots__ = ("_ce_values", "_format", "columns", "names", "sequencing_fields")

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        place = {name: number for number, name in enumerate(names)}
        kept = sorted(name for name in names if name.startswith("ce_"))
        self.sequencing_fields: _Pick = itemgetter(*(place[name] for name in _SEQUENCING_FIELDS))
        self.columns: _Pick = itemgetter(*(place[name] for name in _COLUMNS))
        self._ce_values: _Pick = itemgetter(*(place[name] for name in kept))
        self._format = b"".join(name.encode() + b":%b\n" for name in kept)

    def lines(self, values: Sequence[bytes]) -> bytes:
        return self._format % self._ce_values(values)


class HeaderShapes(dict[Any, HeaderShape]):
    """The shapes that were met, by header names."""

    def __missing__(self, names: Sequence[str]) -> HeaderShape:
        shape = self[names] = HeaderShape(names)
        return shape
