"""The latest measured figures: ``docs/figures.json``, shown in ``docs/reliability.md``.

``python -m tests.architecture.figures`` updates the document from the file.
"""

import json
import re
from dataclasses import dataclass
from typing import Final

from tests.architecture.checkout import ROOT

FILE: Final = ROOT / "docs" / "figures.json"
DOCUMENT: Final = ROOT / "docs" / "reliability.md"
SHOWN: Final = re.compile(r"<!-- ([a-z]+\.[a-z0-9-]+) -->.*")
"""A figure's key, and the rest of the line."""


@dataclass(frozen=True, slots=True)
class Figure:
    """``value`` and ``date`` (of the measurement) are None for a figure without a measurement."""

    value: float | None
    unit: str
    date: str | None
    command: str

    def __str__(self) -> str:
        if self.value is None:
            return f"not measured yet: {self.unit} (`{self.command}`)"
        return f"{self.value:,} {self.unit} ({self.date}, `{self.command}`)"


def figures() -> dict[str, Figure]:
    """By key."""
    return {key: Figure(**each) for key, each in json.loads(FILE.read_text()).items()}


def shown(text: str) -> str:
    """The text with every figure replaced by the value in the file."""
    known = figures()
    return SHOWN.sub(lambda found: f"<!-- {found[1]} --> {known[found[1]]}", text)


if __name__ == "__main__":
    DOCUMENT.write_text(shown(DOCUMENT.read_text()))
