"""Limits on log lines: at most one line a minute per cause, however often a task fails or a library repeats itself.

A *cause* is a dependency that does not answer, such as Kafka: many tasks and libraries fail at once for this reason.
`samenspel.runtime.dependencies` reports the cause itself; the lines about its consequences are suppressed.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from samenspel.runtime.metrics import LOG_LINES_SUPPRESSED

SECONDS_PER_LINE: Final = 60.0
"""Minimum time between two lines about the same cause, and between two equal lines."""
HOLD_SECONDS: Final = 5.0
"""Longer than a probe of a dependency takes: a lost connection is noticed by a task before the probe reports it."""
LINES_PER_EVENT_MAX: Final = 20
"""Per `SECONDS_PER_LINE`: lines of one event that differ in other fields, such as one line per lane."""
REMEMBERED_MAX: Final = 10_000
CAUSES: Final = {"aiokafka": "kafka", "faststream": "kafka", "asyncpg": "database"}
"""Cause by package: of the logger of a line, or of the error in a line."""
DUPLICATE: Final = "Exception in ASGI application\n"
"""uvicorn logs an error again that `samenspel.runtime.http` has logged and answered."""

open_causes: Final[set[str]] = set()
"""Dependencies of this process that do not answer now, reported by `samenspel.runtime.dependencies`."""


class LineLimit(logging.Filter):
    """Passes the first line of each cause and each minute; the next passed line states the number of the others.

    Lines below WARNING pass. Lines about the state of a dependency are bounded by `LINES_PER_EVENT_MAX` only.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        handle: Callable[[logging.LogRecord], object] | None = None,
    ) -> None:
        """``handle`` takes a line that was held for `HOLD_SECONDS`; without ``handle`` no line is held."""
        super().__init__()
        self._clock = clock
        self._handle = handle
        self._passed_at: dict[str, float] = {}
        self._lines_of_event: dict[str, deque[float]] = {}
        self._suppressed = 0

    def filter(self, record: logging.LogRecord) -> bool:
        if record.msg == DUPLICATE:
            return False
        now = self._clock()
        if _is_state(record):
            return self._has_room(_event(record), now)
        if record.levelno >= logging.WARNING and self._holds(record):
            return False
        if record.levelno >= logging.WARNING and not self._is_allowed(record, now):
            self._suppressed += 1
            LOG_LINES_SUPPRESSED.inc()
            return False
        record.suppressed, self._suppressed = self._suppressed, 0
        return True

    def _holds(self, record: logging.LogRecord) -> bool:
        """Hold a line about a cause that is not reported: the report, if one follows, makes the line superfluous."""
        if self._handle is None or hasattr(record, "held") or _cause(record) in open_causes:
            return False
        if _cause(record) is None and not _is_any_interruption(record):
            return False
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return False
        record.held = True
        loop.call_later(HOLD_SECONDS, self._handle, record)
        return True

    def _is_allowed(self, record: logging.LogRecord, now: float) -> bool:
        cause = _cause(record)
        if cause in open_causes or (open_causes and _is_any_interruption(record)):
            return False
        key = cause or _identity(record)
        if now - self._passed_at.get(key, -SECONDS_PER_LINE) < SECONDS_PER_LINE:
            return False
        if not self._has_room(_event(record), now):
            return False
        if len(self._passed_at) >= REMEMBERED_MAX:
            self._passed_at.clear()
        self._passed_at[key] = now
        return True

    def _has_room(self, event: str, now: float) -> bool:
        """Count a line of this event, unless the limit is reached."""
        lines = self._lines_of_event.setdefault(event, deque())
        while lines and now - lines[0] >= SECONDS_PER_LINE:
            lines.popleft()
        if len(lines) >= LINES_PER_EVENT_MAX:
            return False
        lines.append(now)
        return True


def _is_state(record: logging.LogRecord) -> bool:
    return isinstance(record.msg, dict) and "dependency" in record.msg


def _event(record: logging.LogRecord) -> str:
    """Constant text of a line: without the values."""
    text = record.msg.get("event") if isinstance(record.msg, dict) else record.msg
    return f"{record.name}: {text}"


def _identity(record: logging.LogRecord) -> str:
    """Text of a line with its values, except the time and the error."""
    if not isinstance(record.msg, dict):
        return _event(record)
    fields = {key: value for key, value in record.msg.items() if key not in ("timestamp", "error", "exc_info")}
    return f"{record.name}: {sorted(fields.items(), key=str)}"


def _cause(record: logging.LogRecord) -> str | None:
    """Cause of a line, from the package of its error or of its logger."""
    for package in (_package(type(error)) if (error := _error(record)) else "", record.name.partition(".")[0]):
        if package in CAUSES:
            return CAUSES[package]
    return None


def _is_any_interruption(record: logging.LogRecord) -> bool:
    """Whether the error is one that a failing connection of any kind raises."""
    return isinstance(_error(record), OSError | TimeoutError)


def _error(record: logging.LogRecord) -> BaseException | None:
    """The error in a line: field ``error``, field ``exc_info``, or the exception of a line of a library."""
    found: Any = record.exc_info
    if isinstance(record.msg, dict):
        found = record.msg.get("error") or record.msg.get("exc_info") or record.exc_info
    if isinstance(found, tuple):
        found = found[1]
    return found if isinstance(found, BaseException) else None


def _package(kind: type[BaseException]) -> str:
    return kind.__module__.partition(".")[0]
