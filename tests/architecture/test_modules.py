"""Every module of the product is imported by another module or started by name."""

import ast
from pathlib import Path

from tests.architecture.checkout import PRODUCT, ROOT, name, product_files

STARTING = ("Makefile", "docker-compose.yml", "deploy/Dockerfile", "pyproject.toml", "shared/pyproject.toml")


def module_of(path: Path) -> str:
    """The dotted name of a module; for an ``__init__`` the name of the package."""
    root = next(folder for folder in PRODUCT if folder in path.parents)
    return ".".join(path.relative_to(root.parent).with_suffix("").parts).removesuffix(".__init__")


def imported_by(path: Path) -> set[str]:
    found = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
    return {f"{node.module}.{alias.name}" for node in found for alias in node.names} | {
        str(node.module) for node in found
    }


def test_every_module_is_used() -> None:
    files = [path for path in product_files() if path.stem not in ("__init__", "__main__")]
    imported = set().union(*map(imported_by, product_files()))
    texts = {path: path.read_text() for path in [*product_files(), *(ROOT / each for each in STARTING)]}
    left = [
        name(path)
        for path in files
        if (module := module_of(path)) not in imported
        and not any(module in text for other, text in texts.items() if other != path)
    ]
    assert left == []
