"""The threat model names the tests that show it, and they are there."""

import ast
import re

from deploy.local.home import CHECKOUT

NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def test_every_test_that_it_names_exists() -> None:
    named = NAMED.findall((CHECKOUT / "SECURITY.md").read_text())
    assert len(named) > 40
    assert [f"{file}::{name}" for file, name in named if not _exists(file, name)] == []


def test_one_that_does_not_would_be_found() -> None:
    assert not _exists("tests/architecture/test_security_document.py", "test_nothing")
    assert not _exists("tests/security/test_nowhere.py", "")


def _exists(file: str, name: str) -> bool:
    path = CHECKOUT / file
    if not path.exists():
        return False
    functions = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return not name or name in {each.name for each in functions}
