"""Public names are terms of the field or of the glossary, each with a single meaning."""

import ast
from pathlib import Path
from typing import Final

import samenspel.messaging

from tests.architecture.checkout import ROOT, product_files

MESSAGING: Final = ROOT / "shared" / "samenspel" / "messaging"
SURFACE_MAX: Final = 20
GLOSSARY: Final = (ROOT / "docs" / "glossary.md").read_text().lower()


def imported_from_messaging(path: Path) -> set[tuple[str, str]]:
    """Module and name of each import from messaging."""
    nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
    return {
        (node.module, alias.name)
        for node in nodes
        if node.module and node.module.startswith("samenspel.messaging")
        for alias in node.names
    }


def test_messaging_is_used_through_its_public_surface() -> None:
    outside = [path for path in product_files() if MESSAGING not in path.parents]
    used = {each for path in outside for each in imported_from_messaging(path)}
    exported = set(samenspel.messaging.__all__)
    assert {module for module, _ in used} == {"samenspel.messaging"}
    assert {imported for _, imported in used} <= exported
    assert len(exported) <= SURFACE_MAX
