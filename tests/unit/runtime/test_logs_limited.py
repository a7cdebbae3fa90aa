"""Logs of a service: lines of libraries are JSON too, repeats are counted, and a full disk stops nothing."""

import json
import logging
import os
import sys
from collections.abc import Iterator

import pytest
import structlog
from samenspel.runtime import log_limits, logs
from samenspel.runtime.metrics import LOG_LINES_LOST, LOG_LINES_SUPPRESSED


@pytest.fixture
def configured() -> Iterator[None]:
    """Our logging instead of pytest's, put back afterwards."""
    root = logging.getLogger()
    before = root.handlers, root.level, sys.excepthook
    causes = set(log_limits.open_causes)
    log_limits.open_causes.clear()
    logs.configure("registry")
    yield
    root.handlers, root.level, sys.excepthook = before
    log_limits.open_causes.update(causes)
    logging.captureWarnings(False)
    structlog.reset_defaults()


def test_every_line_is_json_also_of_libraries_and_of_errors(
    configured: None, capsys: pytest.CaptureFixture[str]
) -> None:
    root = logging.getLogger()
    root.handlers[0].setStream(sys.stdout)  # type: ignore[attr-defined]  # what pytest captures
    structlog.get_logger("samenspel.test").warning("ours", lane="a/0", error=ValueError("x"))
    logging.getLogger("aiokafka.conn").error("Unable connect to %s", "node")
    logging.getLogger("aiokafka.conn").info("Authenticated as %s", "registry")
    sys.excepthook(ValueError, ValueError("uncaught"), None)
    told = [json.loads(each) for each in capsys.readouterr().out.splitlines()]
    assert [each["event"] for each in told] == ["ours", "Unable connect to node", "process failed"]
    assert {each["service"] for each in told} == {"registry"}
    assert told[0]["error"] == "ValueError('x')"
    assert told[2]["exception"].endswith("ValueError: uncaught")


def test_suppressed_lines_are_counted(configured: None) -> None:
    before = LOG_LINES_SUPPRESSED._value.get()
    for _ in range(3):
        structlog.get_logger("samenspel.test").warning("again")
    assert LOG_LINES_SUPPRESSED._value.get() == before + 2


def test_a_full_disk_loses_lines_and_stops_nothing(configured: None) -> None:
    before = LOG_LINES_LOST._value.get()
    with open("/dev/full", "w", buffering=1) as full:
        logging.getLogger().handlers[0].setStream(full)  # type: ignore[attr-defined]
        structlog.get_logger("samenspel.test").warning("lost")
        assert LOG_LINES_LOST._value.get() == before + 1
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())  # what is left in the buffer goes there
