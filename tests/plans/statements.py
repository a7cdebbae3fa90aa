"""Every SQL statement of the product, found by the names of the constants."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Final

import samenspel.messaging
from samenspel.contracts.topics import Service

from deploy.local.services import is_implemented

SQL: Final = re.compile(r"\s*(--.*\n\s*)*(select|insert|update|delete|with|set local)\b")
SERVICES: Final[tuple[Service, ...]] = ("registry", "funding", "notifier")
WRITTEN: Final = [service for service in SERVICES if is_implemented(service)]
PACKAGES: Final = (samenspel.messaging.__name__, *(f"services.{service}" for service in WRITTEN))


def statements_of(package: str) -> Iterator[tuple[str, str]]:
    """Module and name of each SQL constant of a package with subpackages, and the text.

    A constant is a string, or a tuple of strings, each a statement.
    """
    folder = importlib.import_module(package).__path__
    for found in pkgutil.walk_packages(folder, f"{package}."):
        if found.name.endswith(".__main__"):
            continue
        for name, value in vars(importlib.import_module(found.name)).items():
            if name.isupper():
                yield from ((f"{found.name}.{name}", text) for text in _texts(value) if SQL.match(text))


def all_statements() -> dict[str, str]:
    """Text by name, without the beginning ``samenspel.messaging`` or ``services``, and without settings.

    The statements of a tuple after the first have a number: ``notifier.store.subscriptions.RESUME 2``.
    """
    found: dict[str, str] = {}
    for package in PACKAGES:
        for full_name, text in statements_of(package):
            name = full_name.removeprefix("samenspel.messaging.").removeprefix("services.")
            number = 1 + sum(each.partition(" ")[0] == name for each in found)
            if not text.lstrip().startswith("set local"):
                found[name if number == 1 else f"{name} {number}"] = text
    return found


def _texts(value: object) -> list[str]:
    parts = value if isinstance(value, tuple) else (value,)
    return [part for part in parts if isinstance(part, str)]
