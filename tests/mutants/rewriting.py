"""Loading of a module with a changed definition, in this process only."""

import ast
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, Final

from tests.mutants.mutant import Mutant

ROOT: Final = Path(__file__).parents[2]


class Drifted(Exception):
    """The code lacks the text of this mutant: the protection moved, or is gone."""


def install(mutant: Mutant) -> None:
    """Load the mutant in place of the module in this process. Raises `Drifted`, also for a module loaded before."""
    mutated(mutant)
    if mutant.module.endswith(".sql"):
        _intercept_reading(mutant)
    elif mutant.module in sys.modules:
        raise Drifted(f"{mutant.module} was loaded before the mutant")
    else:
        sys.meta_path.insert(0, _Finder(mutant))


def mutated(mutant: Mutant) -> str:
    """The source of the whole module, changed."""
    file = file_of(mutant)
    source = file.read_text()
    whole = source if file.suffix == ".sql" else _definition(source, mutant)
    if source.count(whole) != 1 or whole.count(mutant.was) != 1:
        raise Drifted(f"{mutant.home} does not hold {mutant.was!r} exactly once")
    return source.replace(whole, whole.replace(mutant.was, mutant.becomes))


def file_of(mutant: Mutant) -> Path:
    if mutant.module.endswith(".sql"):
        return ROOT / mutant.module
    root = ROOT / "shared" if mutant.module.startswith("samenspel.") else ROOT
    return root.joinpath(*mutant.module.split(".")).with_suffix(".py")


def _definition(source: str, mutant: Mutant) -> str:
    """The text of the function, method or constant named by the mutant."""
    node: ast.AST = ast.parse(source)
    for name in mutant.definition.split("."):
        found = [child for child in ast.iter_child_nodes(node) if name in _names(child)]
        if len(found) != 1:
            raise Drifted(f"{mutant.home} is not there")
        node = found[0]
    return ast.get_source_segment(source, node) or ""


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [target.id for target in targets if isinstance(target, ast.Name)]


class _Finder(MetaPathFinder):
    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._mutant.module:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        assert spec is not None and spec.origin is not None
        spec.loader = _Loader(fullname, spec.origin, self._mutant)
        return spec


class _Loader(SourceFileLoader):
    def __init__(self, fullname: str, path: str, mutant: Mutant) -> None:
        super().__init__(fullname, path)
        self._mutant = mutant

    def get_code(self, fullname: str) -> CodeType:
        """Compile the changed source, without the bytecode cache."""
        return compile(mutated(self._mutant), self.path, "exec", dont_inherit=True)


def _intercept_reading(mutant: Mutant) -> None:
    file, text, read_text = file_of(mutant), mutated(mutant), Path.read_text

    def read(path: Path, *arguments: Any, **named: Any) -> str:
        return text if path == file else read_text(path, *arguments, **named)

    Path.read_text = read  # type: ignore[method-assign,assignment]  # only for this one file, in this process
