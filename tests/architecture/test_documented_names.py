"""Names in the documents: complete paths from the root of the checkout, and existing definitions and metrics."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from prometheus_client.metrics import MetricWrapperBase
from samenspel.runtime import metrics

from tests.architecture.checkout import ROOT, name, product_files

DOCUMENTS: Final = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
FENCED: Final = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
CODE: Final = re.compile(r"`([^`\n]+)`")
PATH: Final = re.compile(r"((?:\.ci|deploy|docs|requirements|services|shared|tests)/[\w./-]*\w)(?:::([\w.]+))?")
METRIC: Final = re.compile(r"\bsamenspel_[a-z_]+\b")
NEW_METRIC: Final = "samenspel_redrives_total"
"""The metric of the recipe in ``docs/extending.md``."""
CLASS: Final = re.compile(r"((?:[A-Z][a-z]+){2,})(?:\.\w+)?")
OTHER_CLASSES: Final = {"InitiativeTransferred", "MemoryRecords"}
"""The example of a recipe, and a class of aiokafka."""
SOURCE: Final = re.compile(r"[\w./-]+\.(?:py|sql)\b")


def code_of(document: Path) -> list[str]:
    """Inline code of a document, without fenced blocks."""
    return CODE.findall(FENCED.sub("", document.read_text(encoding="utf-8")))


def faults(code: str) -> Iterator[str]:
    """The paths in ``code`` that are incomplete, or that lead to a missing file or definition."""
    if found := PATH.fullmatch(code):
        path, definition = ROOT / found[1], found[2]
        if not path.exists() or (definition and definition not in definitions(path)):
            yield code
    else:
        yield from (path for path in SOURCE.findall(code) if not (ROOT / path).exists())
        yield from re.findall(r"^…::.*", code)


def definitions(path: Path) -> set[str]:
    """Qualified names of functions, classes, methods and constants of a module."""
    return set(_names(ast.parse(path.read_text()).body, ""))


@cache
def classes() -> set[str]:
    """Names of all classes of the product."""
    trees = [ast.parse(path.read_text()) for path in product_files()]
    return {node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}


def _names(body: list[ast.stmt], prefix: str) -> Iterator[str]:
    for node in body:
        match node:
            case ast.FunctionDef(name=own) | ast.AsyncFunctionDef(name=own):
                yield prefix + own
            case ast.ClassDef(name=own):
                yield prefix + own
                yield from _names(node.body, f"{prefix}{own}.")
            case ast.Assign(targets=[ast.Name(id=own)]) | ast.AnnAssign(target=ast.Name(id=own)):
                yield prefix + own


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_documented_path_exists(document: Path) -> None:
    assert [fault for code in code_of(document) for fault in faults(code)] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_documented_metric_exists(document: Path) -> None:
    declared = [each for each in vars(metrics).values() if isinstance(each, MetricWrapperBase)]
    names = {family.name for each in declared for family in each.describe()}
    known = {f"{each}{suffix}" for each in names for suffix in ("", "_total")} | {NEW_METRIC}
    assert set(METRIC.findall(document.read_text(encoding="utf-8"))) <= known


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_documented_class_exists(document: Path) -> None:
    named = {found[1] for code in code_of(document) if (found := CLASS.fullmatch(code))}
    assert named - classes() <= OTHER_CLASSES


def test_documents_name_many_paths() -> None:
    paths = {code for document in DOCUMENTS for code in code_of(document) if PATH.fullmatch(code)}
    assert len(paths) > 100


@pytest.mark.parametrize(
    "code",
    [
        "relay.py",
        "messaging/outbox/relay.py",
        "shared/samenspel/messaging/relay.py",
        "shared/samenspel/messaging/outbox/relay.py::Relay.nothing",
        "0001_law.sql",
        "…::test_nothing",
    ],
)
def test_incomplete_or_missing_path_is_found(code: str) -> None:
    assert list(faults(code)) == [code]


@pytest.mark.parametrize(
    "code",
    [
        "shared/samenspel/messaging/outbox",
        "shared/samenspel/messaging/outbox/relay.py::Relay.poll",
        "tests/architecture/test_documented_names.py::SOURCE",
        "pytest tests/architecture/test_shape.py",
        "POST /v1/events",
    ],
)
def test_existing_path_and_other_code_have_no_fault(code: str) -> None:
    assert list(faults(code)) == []
