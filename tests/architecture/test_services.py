"""Every service has the same parts; each part is a module or a package."""

import ast
from pathlib import Path
from typing import Final, get_args

import pytest
from samenspel.contracts.topics import Service

from tests.architecture.checkout import SERVICES

PARTS: Final = {"__init__", "__main__", "app", "settings", "api", "handlers", "store", "domain"}
EXTRA: Final = {
    # Deliveries exist in the notifier only: a feed, webhook endpoints, attempts with failures.
    "notifier": {"deliveries", "endpoints", "feed"},
}
NAMES: Final[tuple[Service, ...]] = get_args(Service)


def parts(service: str) -> dict[str, Path]:
    """Name and source file of each part of a service: a module, or a package with an ``__init__``."""
    folder = SERVICES / service
    packages = {path.parent.name: path for path in folder.glob("*/__init__.py")}
    return {path.stem: path for path in sorted(folder.glob("*.py"))} | packages


@pytest.mark.parametrize("service", NAMES)
def test_every_service_has_the_same_parts(service: Service) -> None:
    assert set(parts(service)) == PARTS | EXTRA.get(service, set())


@pytest.mark.parametrize("service", NAMES)
def test_every_folder_of_a_service_is_a_part_or_holds_migrations(service: Service) -> None:
    folders = {path.name for path in (SERVICES / service).iterdir() if path.is_dir()}
    assert folders - {"__pycache__", "migrations"} <= set(parts(service))


@pytest.mark.parametrize("service", NAMES)
def test_migrations_are_numbered_without_a_gap(service: Service) -> None:
    numbers = [int(path.name[:4]) for path in sorted((SERVICES / service / "migrations").glob("*.sql"))]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("service", NAMES)
def test_every_part_has_a_docstring(service: Service) -> None:
    files = {name: path for name, path in parts(service).items() if name != "__main__"}
    assert [name for name, path in files.items() if not ast.get_docstring(ast.parse(path.read_text()))] == []
