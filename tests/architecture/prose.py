"""Measures of the prose in docstrings and comments: ``python -m tests.architecture.prose [FOLDER…]`` prints them.

A *headless* clause starts with ``what``, ``who``, ``whoever`` or ``whatever`` in place of a noun. A *pronoun* makes
the reader look for a noun. Both are counted per 1,000 words.
"""

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.architecture.checkout import PRODUCT, ROOT

WORD: Final = re.compile(r"[A-Za-z][A-Za-z'-]*")
CODE: Final = re.compile(r"``[^`]*``|`[^`]*`|https?://\S+")
HEADLESS: Final = re.compile(r"\b(what|who|whoever|whom|whose|whatever)\b", re.IGNORECASE)
PRONOUN: Final = re.compile(
    r"\b(it|its|itself|one|ones|they|them|their|theirs|those|that|he|she|him|her|his)\b",
    re.IGNORECASE,
)
DIRECTIVE: Final = re.compile(r"#\s*(noqa|type:|fmt:|!)")


@dataclass(frozen=True, slots=True)
class Measures:
    """Number of words, and headless clauses and pronouns per 1,000 words."""

    words: int
    headless: float
    pronouns: float

    def __str__(self) -> str:
        return f"{self.words:6} words  {self.headless:5.1f} headless  {self.pronouns:5.1f} pronouns"


def prose_of(source: str) -> Iterator[str]:
    """Docstrings (also after an assignment) and comments of a module."""
    for node in ast.walk(ast.parse(source)):
        body = getattr(node, "body", None)
        yield from map(_text, body if isinstance(body, list) else ())
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and not DIRECTIVE.match(token.string):
            yield token.string


def _text(statement: ast.stmt) -> str:
    """The text of a statement made of a string only."""
    value = statement.value if isinstance(statement, ast.Expr) else None
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else ""


def measure(texts: Iterable[str]) -> Measures:
    text = CODE.sub(" ", "\n".join(texts))
    words = len(WORD.findall(text)) or 1
    per_thousand = 1_000 / words
    return Measures(words, len(HEADLESS.findall(text)) * per_thousand, len(PRONOUN.findall(text)) * per_thousand)


def measure_files(files: Iterable[Path]) -> Measures:
    return measure(text for file in files for text in prose_of(file.read_text()))


if __name__ == "__main__":
    for folder in [Path(name) for name in sys.argv[1:]] or [*PRODUCT, ROOT / "tests"]:
        found = sorted(folder.rglob("*.py")) if folder.is_dir() else [folder]
        print(measure_files(found), folder)
