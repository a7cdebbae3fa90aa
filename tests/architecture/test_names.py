"""Public names are terms of the field or of the glossary, each with a single meaning."""

import ast
import re
from collections import defaultdict
from pathlib import Path
from typing import Final

import samenspel.messaging

from tests.architecture.checkout import ROOT, name, product_files

MESSAGING: Final = ROOT / "shared" / "samenspel" / "messaging"
SURFACE_MAX: Final = 20
GLOSSARY: Final = (ROOT / "docs" / "glossary.md").read_text().lower()
FIELD_TERMS: Final = (Path(__file__).parent / "field_terms.txt").read_text()
"""Words of class names besides the glossary: terms of software, of Kafka and PostgreSQL, and everyday words."""
MODULE_VERBS: Final = [
    "admit",
    "check",
    "claim",
    "connect",
    "count",
    "create",
    "decode",
    "delete_old",
    "emit",
    "encode",
    "insert",
    "load",
    "lock",
    "organisations",
    "parse",
    "patch_aiokafka",
    "read",
    "replace",
    "run",
    "save",
    "write",
]
"""Functions called as ``module.verb``: the module names the object."""
SAME_PART: Final = [
    "After",
    "DecisionRule",
    "Limit",
    "Settings",
    "app",
    "list_command",
    "log",
    "main",
    "messages",
    "output",
    "page",
    "router",
]
"""Names of the same part in every service, command group or module."""
HOMONYMS: Final = {
    "Decision": "of an authority on an application (Awb 4:29); and of a service on a submission",
    "Divergence": "of a replica from the published digest; and of a projection",
}
"""Other names with two definitions, and the reason."""


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


def public_names(path: Path) -> set[str]:
    """Public classes, functions and type aliases of a module, without constants."""
    found: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return {each for each in found if not each.startswith("_") and not each.isupper()}


def test_a_public_name_is_defined_once_or_listed_with_a_reason() -> None:
    modules = defaultdict[str, list[str]](list)
    for path in product_files():
        for each in public_names(path):
            modules[each].append(name(path))
    repeated = {each for each, places in modules.items() if len(places) > 1}
    assert repeated - {*MODULE_VERBS, *SAME_PART, *HOMONYMS} == set()


def words_of(class_name: str) -> list[str]:
    """``HttpSubmitter`` as ``["http", "submitter"]``."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*", class_name)]


def unknown_words(class_name: str) -> list[str]:
    known = {*re.findall(r"[a-z]+", GLOSSARY), *FIELD_TERMS.split()}
    return [word for word in words_of(class_name) if word not in known]


def test_class_names_consist_of_glossary_words_or_field_terms() -> None:
    nodes = [node for path in product_files() for node in ast.parse(path.read_text()).body]
    classes = {node.name for node in nodes if isinstance(node, ast.ClassDef) and not node.name.startswith("_")}
    assert {each: missing for each in classes if (missing := unknown_words(each))} == {}


def test_a_metaphor_in_a_class_name_is_found() -> None:
    assert unknown_words("OperatorDoor") == ["door"]
