"""Logging: one JSON object per line on stdout, readable text on a terminal; lines of libraries take the same way.

A line never contains a secret, and `log_limits` bounds the number of lines.
"""

import logging
import sys
from typing import Any, Final

import structlog

from samenspel.runtime.log_limits import LineLimit
from samenspel.runtime.metrics import LOG_LINES_LOST

OURS: Final = ("samenspel", "services", "__main__")
_TIMESTAMP: Final = structlog.processors.TimeStamper(fmt="iso", utc=True)


def configure(service: str) -> None:
    """Log to stdout, with the name of the service: our lines from INFO on, lines of libraries from WARNING on."""
    handler = _Output(sys.stdout)
    handler.addFilter(LineLimit(handle=handler.handle))
    handler.setFormatter(_formatter(service))
    root = logging.getLogger()
    root.handlers, root.level = [handler], logging.WARNING
    for name in OURS:
        logging.getLogger(name).setLevel(logging.INFO)
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            _TIMESTAMP,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )


class _Output(logging.StreamHandler[Any]):
    """Writes to stdout. A full disk or a closed pipe loses lines, and never ends a task of the service."""

    def handleError(self, record: logging.LogRecord) -> None:
        LOG_LINES_LOST.inc()


def _formatter(service: str) -> logging.Formatter:
    is_terminal = sys.stdout is not None and sys.stdout.isatty()
    renderer = (
        structlog.dev.ConsoleRenderer() if is_terminal else structlog.processors.JSONRenderer(ensure_ascii=False)
    )

    def add_service(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        suppressed = getattr(event.get("_record"), "suppressed", 0)
        return {**event, "service": service, **({"suppressed": suppressed} if suppressed else {})}

    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_log_level, structlog.stdlib.add_logger_name, _TIMESTAMP],
        processors=[
            add_service,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            renderer,
        ],
    )


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        logging.getLogger("samenspel").critical("process failed", exc_info=(kind, error, trace))
