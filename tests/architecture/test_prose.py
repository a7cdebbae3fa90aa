"""Docstrings and comments are in plain technical English: subjects are named, words are the field's."""

import ast
import re
from pathlib import Path
from typing import Final

import pytest

from tests.architecture.checkout import PRODUCT, ROOT, name, product_files, tracked_files
from tests.architecture.prose import measure, measure_files, prose_of

HEADLESS_MAX: Final = 3.0
PRONOUNS_MAX: Final = 45.0
"""Per 1,000 words."""
FOLDERS: Final = [*sorted(path for root in PRODUCT for path in root.iterdir() if path.is_dir()), ROOT / "tests"]
OPENING: Final = re.compile(r"(what|who|whom|whose|whoever|whatever)\b", re.IGNORECASE)
WORDS_MIN: Final = 100
"""A folder with fewer words of prose says nothing about style."""


@pytest.mark.parametrize("folder", FOLDERS, ids=name)
def test_prose_names_its_subjects(folder: Path) -> None:
    measures = measure_files(sorted(folder.rglob("*.py")))
    if measures.words >= WORDS_MIN:
        assert measures.headless <= HEADLESS_MAX, measures
        assert measures.pronouns <= PRONOUNS_MAX, measures


def test_headless_clauses_and_pronouns_are_counted() -> None:
    measures = measure(prose_of('"""What it does, and who is told."""\nx = 1  # whoever they are\n'))
    assert (measures.words, round(measures.headless), round(measures.pronouns)) == (10, 300, 200)


def test_no_docstring_begins_with_what_or_who() -> None:
    files = [path for path in tracked_files() if path.suffix == ".py"]
    assert [name(path) for path in files for text in docstrings(path) if OPENING.match(text)] == []


def docstrings(path: Path) -> list[str]:
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, documented)]
    return [text for node in nodes if (text := ast.get_docstring(node))]


def test_every_product_file_is_measured() -> None:
    covered = [path for folder in FOLDERS for path in folder.rglob("*.py")]
    roots = {root / file.name for root in PRODUCT for file in root.glob("*.py")}
    assert set(product_files()) - roots <= set(covered)
