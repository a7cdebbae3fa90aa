"""docs/reliability.md is up to date: tests, commands, protections and figures exist and match."""

import ast
import re
from datetime import date
from pathlib import Path
from typing import Final

import pytest

from tests.architecture.checkout import ROOT
from tests.architecture.figures import DOCUMENT, SHOWN, figures, shown
from tests.mutants.catalogue import MUTANTS

TEXT: Final = DOCUMENT.read_text()
PROMISES: Final = {each.splitlines()[0]: each for each in TEXT.split("\n## ")[1:]}
NODE: Final = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
TARGET: Final = re.compile(r"`make ([a-z]+)`")
LINK: Final = re.compile(r"\]\(([^)#:]+)\)")
PROTECTION: Final = re.compile(r"`([a-z]+(?:-[a-z]+)+)`")


def is_there(file: str, name: str) -> bool:
    path = ROOT / file
    if not path.is_file():
        return False
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    named = {node.name for node in ast.parse(path.read_text()).body if isinstance(node, functions)}
    return not name or name in named


def test_every_test_named_in_reliability_exists() -> None:
    named = NODE.findall(TEXT)
    assert len(named) > 50
    assert [f"{file}::{name}" for file, name in named if not is_there(file, name)] == []
    assert not is_there("tests/architecture/test_reliability.py", "test_nothing")


def test_every_command_named_in_reliability_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    asked = {*TARGET.findall(TEXT), *(figure.command.removeprefix("make ") for figure in figures().values())}
    assert asked - targets == set()


def test_every_link_of_reliability_has_a_target() -> None:
    assert [link for link in LINK.findall(TEXT) if not (DOCUMENT.parent / Path(link)).exists()] == []


@pytest.mark.parametrize("promise", PROMISES)
def test_every_promise_names_its_test(promise: str) -> None:
    assert NODE.search(PROMISES[promise])


def test_every_protection_of_the_mutants_belongs_to_a_promise() -> None:
    named = {name for each in PROMISES.values() for name in PROTECTION.findall(each)}
    assert named == {mutant.name for mutant in MUTANTS}


def test_figures_in_reliability_equal_the_measured_figures() -> None:
    assert shown(TEXT) == TEXT, "write them anew: python -m tests.architecture.figures"
    assert set(SHOWN.findall(TEXT)) == set(figures())
    for key, figure in figures().items():
        assert (figure.value is None) == (figure.date is None), f"{key}: a figure has a date, and none has none"
        assert figure.date is None or date.fromisoformat(figure.date) <= date.today(), key  # noqa: DTZ011  # a day
