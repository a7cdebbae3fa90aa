"""Tables that are piped keep each row on one line."""

import subprocess
import sys

from samenspel.contracts.catalogue import EVENT_TYPES


def test_what_is_piped_has_each_row_whole_on_one_line() -> None:
    command = [sys.executable, "-c", "from samenspel.cli import main; main()", "catalogue"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    lines = [line.rstrip() for line in shown.stdout.splitlines()]
    assert all(any(line.endswith(fact.meaning) for line in lines) for fact in EVENT_TYPES.values())
