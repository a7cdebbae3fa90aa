"""Progress bars: one line per part of the system."""

import io

from rich.console import Console

from deploy.local.cli.bars import progress_bars


def test_each_part_has_one_line_with_its_latest_step() -> None:
    console = Console(file=io.StringIO(), force_terminal=False, width=80)
    with progress_bars(console) as progress:
        progress("kafka", "starting", 0.5)
        progress("postgres", "starting", 0.5)
        progress("kafka", "ready", 1.0)
    shown = console.file.getvalue()  # type: ignore[attr-defined]  # it is a StringIO
    lines = [line for line in shown.splitlines() if line.strip()]
    assert [line.split()[-1] for line in lines] == ["ready", "starting"]
