"""The latest measured tables: ``docs/bench.json``, shown in ``docs/performance.md`` and ``docs/sizing.md``.

After `make bench`, ``python -m tests.architecture.measurements`` takes the parts of that run from
``.samenspel/bench.json`` into the file, and writes the tables of both documents again.
"""

import json
import re
from typing import Any, Final

from tests.architecture.checkout import ROOT

RUN: Final = ROOT / ".samenspel" / "bench.json"
FILE: Final = ROOT / "docs" / "bench.json"
DOCUMENTS: Final = [ROOT / "docs" / "performance.md", ROOT / "docs" / "sizing.md"]
SHOWN: Final = re.compile(r"(<!-- bench: ([\w -]+) -->\n).*?(<!-- /bench -->)", re.DOTALL)
"""A table, with the names of its parts."""
HEADS: Final = {
    True: "| measurement | value | against | ratio | smallest, largest | goal | reached |\n" + "|---" * 7 + "|\n",
    False: "| measurement | value |\n" + "|---" * 2 + "|\n",
}
REACHED: Final = {None: "", True: "yes", False: "**no**"}

Row = dict[str, Any]
Parts = dict[str, Any]


def parts() -> Parts:
    """Each with ``date``, ``command`` and ``figures``, by the name in `tests/bench/parts.py`."""
    found: Parts = json.loads(FILE.read_text())
    return found


def shown(text: str) -> str:
    """The text with the tables of the file."""
    known = parts()
    return SHOWN.sub(lambda found: f"{found[1]}{table(known, found[2].split())}{found[3]}", text)


def table(known: Parts, names: list[str]) -> str:
    """One Markdown table for all these parts, and below it date and command of each."""
    found = [(name, known[name]) for name in names if name in known]
    rows = [row for _, part in found for row in part["figures"]]
    if not rows:
        return f"Not measured yet: `ONLY={','.join(names)} make bench`.\n"
    is_compared = any(row["goal"] or row["ratio"] is not None for row in rows)
    lines = "".join(_line(row, is_compared=is_compared) for row in rows)
    sources = "".join(f"* {part['date']}: `{part['command']}`\n" for part in unique([part for _, part in found]))
    return f"\n{HEADS[is_compared]}{lines}\n{sources}\n"


def unique(found: list[Row]) -> list[Row]:
    """One part for each date and command, in order."""
    return [*{(part["date"], part["command"]): part for part in found}.values()]


def _line(row: Row, *, is_compared: bool) -> str:
    value = f"{_number(row['value'])} {row['unit']}".strip()
    if not is_compared:
        return f"| {row['name']} | {value} |\n"
    floor = "" if row["floor"] is None else _number(row["floor"])
    ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
    spread = ", ".join(f"{each:.2f}" for each in row.get("spread") or ())
    cells = row["name"], value, floor, ratio, spread, row["goal"], REACHED[row["holds"]]
    return f"| {' | '.join(cells)} |\n"


def _number(value: float) -> str:
    """Three digits or more; a count without decimals."""
    digits = 0 if abs(value) >= 100 or value == int(value) else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}"


if __name__ == "__main__":
    if RUN.is_file():
        FILE.write_text(json.dumps({**parts(), **json.loads(RUN.read_text())}, indent=1, ensure_ascii=False) + "\n")
    for document in DOCUMENTS:
        document.write_text(shown(document.read_text()))
