"""Every service has the same rooms: who knows one finds the way in each."""

import ast
from pathlib import Path
from typing import Final, get_args

import pytest
from samenspel.contracts.topics import Service

from tests.architecture.checkout import SERVICES

ROOMS: Final = {"__init__", "__main__", "app", "settings", "api", "handlers", "store", "domain"}
EXTRA: Final = {
    # The arithmetic of Awb 4:25 apart from the course of an application.
    "funding": {"ceiling"},
    # Telling is work that registry and funding do not have: a feed, a cursor on it, and attempts that may fail.
    "notifier": {
        "addresses",
        "bell",
        "cursor",
        "deliveries",
        "feed",
        "feed_api",
        "outcomes",
        "sender",
        "signing",
    },
}
NAMES: Final[tuple[Service, ...]] = get_args(Service)


def modules(service: str) -> list[Path]:
    return sorted((SERVICES / service).glob("*.py"))


@pytest.mark.parametrize("service", NAMES)
def test_the_rooms_are_the_same_in_every_service(service: Service) -> None:
    assert {path.stem for path in modules(service)} == ROOMS | EXTRA.get(service, set())


@pytest.mark.parametrize("service", NAMES)
def test_no_service_has_a_wing_besides_its_migrations(service: Service) -> None:
    folders = {path.name for path in (SERVICES / service).iterdir() if path.is_dir()}
    assert folders - {"__pycache__"} == {"migrations"}


@pytest.mark.parametrize("service", NAMES)
def test_migrations_are_numbered_without_a_gap(service: Service) -> None:
    numbers = [int(path.name[:4]) for path in sorted((SERVICES / service / "migrations").glob("*.sql"))]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("service", NAMES)
def test_every_room_says_what_it_is_for(service: Service) -> None:
    rooms = [path for path in modules(service) if path.stem != "__main__"]
    assert [path.name for path in rooms if not ast.get_docstring(ast.parse(path.read_text()))] == []
