"""The shape of the checkout: small files, small functions, no modules for leftovers."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

from deploy.local.home import CHECKOUT

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 40
DRAWERS = {"utils.py", "helpers.py", "common.py", "misc.py"}


def _tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=CHECKOUT, check=True, capture_output=True, text=True, timeout=30)
    return [CHECKOUT / name for name in listed.stdout.splitlines() if (CHECKOUT / name).is_file()]


TRACKED = _tracked()
MODULES = [path for path in TRACKED if path.suffix == ".py"]


def _name(path: Path) -> str:
    return str(path.relative_to(CHECKOUT))


def _functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def test_every_file_has_at_most_400_lines() -> None:
    sizes = {_name(path): len(path.read_text().splitlines()) for path in MODULES}
    assert not {name: size for name, size in sizes.items() if size > FILE_LINES_MAX}


def test_every_function_has_at_most_40_lines() -> None:
    sizes = {f"{_name(path)}:{name}": size for path in MODULES for name, size in _functions(path)}
    assert not {name: size for name, size in sizes.items() if size > FUNCTION_LINES_MAX}


def test_no_module_has_a_catch_all_name() -> None:
    assert not [_name(path) for path in MODULES if path.name in DRAWERS]
