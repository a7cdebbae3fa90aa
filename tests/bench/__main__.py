"""`make bench`: measure, print a table, write `.samenspel/bench.json`; ends with 1 when a goal is missed.

``ONLY`` names parts of `tests/bench/parts.py` (comma-separated; all without it), ``COUNT`` is how many submissions a
round has, ``ROUNDS`` how many rounds, ``SIZES`` the histories (comma-separated), ``ORGANISATIONS`` how many there are
for the part of that name.
"""

import os
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from tests.bench.measures import Figure
from tests.bench.parts import running, selected

RESULT = Path(__file__).parents[2] / ".samenspel" / "bench.json"
ONLY = os.environ.get("ONLY", "")
COUNT = int(os.environ.get("COUNT", "60000"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
SIZES = [int(size) for size in os.environ.get("SIZES", "10000,100000,1000000").split(",")]

ORGANISATIONS = int(os.environ.get("ORGANISATIONS", "350"))


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the systems of this run end with it
    talk = Console(stderr=True)
    parts = selected(ONLY)
    measured: dict[str, list[Figure]] = {}
    failed: list[str] = []
    with running(COUNT, ROUNDS, SIZES, ORGANISATIONS) as run:
        for name, part in parts.items():
            began = time.monotonic()
            try:
                measured[name] = part(run)
            except Exception:
                failed.append(name)
                talk.print_exception(max_frames=4)
            talk.print(f"measured {name} in {time.monotonic() - began:.0f} s")
    figures = [figure for each in measured.values() for figure in each]
    _print(figures)
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_bytes(orjson.dumps(_result(measured), option=orjson.OPT_INDENT_2))
    if failed:
        talk.print(f"not measured: {', '.join(failed)}")
    return 1 if failed or any(figure.holds is False for figure in figures) else 0


def _result(measured: dict[str, list[Figure]]) -> dict[str, dict[str, Any]]:
    """By part; `tests/architecture/measurements.py` copies it into the documents."""
    sizes = f"COUNT={COUNT} ROUNDS={ROUNDS}"
    today = datetime.now(UTC).date().isoformat()
    return {
        part: {
            "date": today,
            "command": f"ONLY={part} {sizes} make bench",
            "figures": [each.row() for each in figures],
        }
        for part, figures in measured.items()
    }


def _print(figures: list[Figure]) -> None:
    table = Table("what", "value", "floor", "ratio", "spread", "goal", "holds")
    for each in figures:
        floor = f"{each.floor:,.1f}" if each.floor is not None else ""
        ratio = f"{each.ratio:.2f}" if each.ratio is not None else ""
        spread = f"{each.spread[0]:.2f} - {each.spread[1]:.2f}" if each.spread else ""
        holds = {None: "", True: "yes", False: "no"}[each.holds]
        table.add_row(
            each.name,
            f"{each.value:,.{1 if each.value >= 10 else 3}f} {each.unit}",
            floor,
            ratio,
            spread,
            each.goal,
            holds,
        )
    Console(width=None if sys.stdout.isatty() else 160).print(table)


if __name__ == "__main__":
    sys.exit(main())
