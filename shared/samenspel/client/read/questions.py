"""Named questions to a replica: SQL files with the question in plain words as the first line.

Each question is answered from indexes, also with 100,000 initiatives. The SQL is a starting point for own SQL.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

_PARAMETER: Final = re.compile(r":([a-z_]+)")


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its SQL; ``parameters`` are the names after a colon in the SQL."""

    name: str
    text: str
    sql: str

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(_PARAMETER.findall(self.sql)))


def _questions() -> Mapping[str, Question]:
    folder = files(__package__) / "questions"
    found = {}
    for each in sorted(folder.iterdir(), key=lambda file: file.name):
        text, _, sql = each.read_text(encoding="utf-8").partition("\n")
        name = each.name.removesuffix(".sql")
        found[name] = Question(name, text.removeprefix("-- "), sql.strip())
    return found


QUESTIONS: Final = _questions()
"""Every question, by name."""
