"""Logs of a service: a JSON object per line, with service, level, time and traceback."""

import subprocess
import sys

import orjson

PROGRAM = """
import structlog
from samenspel.runtime import logs
logs.configure("registry")
log = structlog.get_logger()
log.debug("hidden")
log.warning("één bericht", lane="samenspel.initiatives/0")
try:
    1 / 0
except ZeroDivisionError as error:
    log.error("failed", exc_info=error)
"""


def test_log_that_is_piped_is_one_json_object_per_line() -> None:
    """In a separate process: the configuration is global."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, timeout=60)
    first, second = [orjson.loads(line) for line in done.stdout.splitlines()]
    assert (first["event"], first["service"], first["level"]) == ("één bericht", "registry", "warning")
    assert first["lane"] == "samenspel.initiatives/0"
    assert first["timestamp"].endswith("Z")
    assert "ZeroDivisionError" in second["exception"]
