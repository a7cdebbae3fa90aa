"""Piped tables keep each row on a line."""

import subprocess
import sys

from samenspel.contracts.catalogue import EVENT_TYPES


def test_piped_table_has_each_row_on_one_line() -> None:
    command = [sys.executable, "-c", "from samenspel.cli import main; main()", "catalogue"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    lines = [line.rstrip() for line in shown.stdout.splitlines()]
    assert all(any(line.endswith(fact.meaning) for line in lines) for fact in EVENT_TYPES.values())
