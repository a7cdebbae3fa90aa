"""The tests are where a reader looks: `unit` and `integration` mirror the source, module by module."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.architecture.checkout import ROOT, name, product_files

TESTS: Final = ROOT / "tests"
MIRRORS: Final = (TESTS / "unit", TESTS / "integration")
REASONS: Final = {
    "deploy/demo/command.py": "prints a whole demo: tests/system/demo/test_demo.py",
    "deploy/demo/deliveries.py": "a webhook of a running notifier: tests/system/demo/test_demo.py",
    "deploy/demo/replicas.py": "replicas of a running system: tests/system/demo/test_demo.py",
    "deploy/demo/story.py": "the demo itself: tests/system/demo/test_demo.py",
    "deploy/local/kafka_node/server.py": "starts Kafka: tests/system/local/test_local_system.py",
    "deploy/local/system.py": "starts everything: tests/system/local/test_local_system.py",
    "shared/samenspel/client/admin/kafka_admin.py": "needs a broker: tests/system/local/test_local_system.py",
    "shared/samenspel/client/admin/kafka_quotas.py": "needs a broker: tests/security/test_quotas.py",
    "shared/samenspel/client/submit/kafka.py": "needs a broker: tests/system/client/test_client.py",
    "shared/samenspel/messaging/kafka/log_reader.py": "needs a broker: tests/faults/restore/test_restore_kafka.py",
    "shared/samenspel/messaging/service/app.py": "wires a process: tests/system/test_submission_paths.py",
}
"""Modules with logic and without an own test file: the reason, and the test of the module."""
SERVERS: Final = {
    "unit": {"server", "system", "bare_system", "organisation", "operator"},
    "integration": {"system", "bare_system", "organisation"},
}
"""Fixtures with more requirements than the tests of a folder may have."""
NOT_MIRRORED: Final = {"unit/support", "integration/test_sql.py", "integration/test_sql_plans.py"}
"""Tests of the tests' own tools, and of every SQL statement at once."""
HEADLESS: Final = {"what", "who", "whoever", "whom", "whatever", "whichever", "it", "they", "one", "that", "those"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def place_of(module: Path) -> Path:
    """The module's path below the mirrored folder: ``messaging/outbox/relay.py``."""
    path = module.relative_to(ROOT)
    return path.relative_to("shared/samenspel") if path.parts[0] == "shared" else path


def has_logic(module: Path) -> bool:
    """Whether any function has a statement besides a docstring and ``...``."""
    functions = [node for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, Function)]
    return any(not isinstance(line, ast.Expr | ast.Pass) for each in functions for line in each.body)


MODULES: Final = [path for path in product_files() if path.stem not in ("__init__", "__main__")]
PLACES: Final = {place_of(path) for path in product_files()}


def files_in(*folders: Path) -> Iterator[Path]:
    for folder in folders:
        yield from sorted(folder.rglob("test_*.py"))


def functions_in(file: Path) -> list[Function]:
    found = ast.walk(ast.parse(file.read_text()))
    return [node for node in found if isinstance(node, Function) and node.name.startswith("test_")]


@pytest.mark.parametrize("module", [path for path in MODULES if has_logic(path)], ids=name)
def test_module_with_logic_has_a_test_file_or_a_reason(module: Path) -> None:
    place = place_of(module)
    mirrored = [folder / place.parent / f"test_{place.stem}.py" for folder in MIRRORS]
    assert any(file.is_file() for file in mirrored) != (name(module) in REASONS)


@pytest.mark.parametrize("module", REASONS)
def test_reason_names_a_module_and_the_test_that_runs_it(module: str) -> None:
    assert (ROOT / module).is_file()
    reason, _, test = REASONS[module].partition(": ")
    assert reason
    assert (ROOT / test).is_file()


@pytest.mark.parametrize("file", list(files_in(*MIRRORS)), ids=name)
def test_test_file_mirrors_a_module(file: Path) -> None:
    """``test_verify_owner.py`` may hold an aspect of ``verify.py``; ``test_main.py`` tests ``__main__.py``."""
    below = file.relative_to(TESTS)
    if any(below.is_relative_to(each) for each in NOT_MIRRORED):
        return
    words = file.stem.removeprefix("test_").split("_")
    names = {"_".join(words[:number]) for number in range(1, len(words) + 1)}
    if names == {"main"}:
        names = {"__main__"}
    folder = Path(*below.parts[1:-1])
    assert {folder / f"{each}.py" for each in names} & PLACES


@pytest.mark.parametrize("folder", SERVERS)
def test_test_of_a_folder_needs_no_server_beyond_those_of_the_folder(folder: str) -> None:
    found = [
        f"{name(file)}::{each.name}"
        for file in files_in(TESTS / folder)
        for each in functions_in(file)
        if SERVERS[folder] & {argument.arg for argument in each.args.args}
    ]
    assert found == []


def test_name_of_a_test_begins_with_its_subject() -> None:
    found = [
        f"{name(file)}::{each.name}"
        for file in files_in(TESTS)
        for each in functions_in(file)
        if each.name.split("_")[1] in HEADLESS or len(each.name.split("_")) < 4
    ]
    assert found == []
