"""The mutants match the code; a few are tried here, all by ``make mutants``."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutants.catalogue import MUTANTS
from tests.mutants.mutant import Mutant
from tests.mutants.rewriting import ROOT, file_of, mutated

QUICK = (
    "accepts-gaps",
    "believes-any-digest-replica",
    "takes-any-source",
    "changes-on-stale-ground",
)
PYTHON = [each for each in MUTANTS if file_of(each).suffix == ".py"]


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_mutant_finds_its_protection_in_the_code(mutant: Mutant) -> None:
    """`Drifted` means that the code has changed: update the mutant."""
    if file_of(mutant).suffix == ".py":
        ast.parse(mutated(mutant))
    else:
        assert mutated(mutant) != file_of(mutant).read_text()


@pytest.fixture(scope="module")
def undefined_names(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Uses of undefined names by the name of the mutant. One run of ruff: a process per mutant takes longer."""
    folder = tmp_path_factory.mktemp("mutants")
    for each in PYTHON:
        (folder / f"{each}.py").write_text(mutated(each))
    options = ["--isolated", "--no-cache", "--select", "F821", "--output-format", "json", "--exit-zero"]
    command = [sys.executable, "-m", "ruff", "check", *options, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    found: dict[str, list[str]] = {str(each): [] for each in PYTHON}
    for each in json.loads(done.stdout):
        found[Path(each["filename"]).stem].append(each["message"])
    return found


@pytest.mark.parametrize("mutant", PYTHON, ids=str)
def test_a_mutant_uses_defined_names_only(mutant: Mutant, undefined_names: dict[str, list[str]]) -> None:
    """A mutant that raises `NameError` makes any test fail, and so proves nothing about its protection."""
    assert undefined_names[str(mutant)] == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_test_named_by_a_mutant_exists(mutant: Mutant) -> None:
    path, _, name = mutant.test.partition("::")
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    tree = ast.parse((ROOT / path).read_text())
    assert name in {node.name for node in tree.body if isinstance(node, functions)}


def test_quick_mutants_are_found_by_their_tests() -> None:
    command = [sys.executable, "-m", "tests.mutants", *QUICK]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(QUICK)} of {len(QUICK)} found" in done.stdout
