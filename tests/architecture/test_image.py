"""The image contains every module of ours imported by the start-up steps: a missing module shows only at a start."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.checkout import ROOT

COPY = re.compile(r"^COPY (?!--)(.+) (/app/deploy/\S*)$", re.MULTILINE)


def copied() -> set[str]:
    """Files of ``deploy`` copied by the Dockerfile."""
    text = (ROOT / "deploy" / "Dockerfile").read_text().replace("\\\n", " ")
    copies = [(Path(name), target) for names, target in COPY.findall(text) for name in names.split()]
    assert all(target == f"/app/{name.parent}/" for name, target in copies)
    return {str(name) for name, _ in copies}


def needed(file: str) -> Iterator[str]:
    """This file of ``deploy`` and all imported files."""
    yield file
    for node in ast.walk(ast.parse((ROOT / file).read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("deploy."):
            yield from needed(f"{(node.module or '').replace('.', '/')}.py")


def test_image_contains_every_module_that_its_steps_import() -> None:
    files = set(needed("deploy/compose.py"))
    packages = {str(folder / "__init__.py") for file in files for folder in Path(file).parents if folder.name}
    assert files | packages <= copied()
