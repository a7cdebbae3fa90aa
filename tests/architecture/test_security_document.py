"""The threat model names existing tests."""

import ast
import re

from deploy.local.home import CHECKOUT

NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def test_every_test_named_in_the_threat_model_exists() -> None:
    named = NAMED.findall((CHECKOUT / "SECURITY.md").read_text())
    assert len(named) > 40
    assert [f"{file}::{name}" for file, name in named if not _exists(file, name)] == []


def test_name_of_an_absent_test_is_found() -> None:
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
