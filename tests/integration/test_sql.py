"""Every SQL text in the product is valid in the service's migrated schema."""

import importlib
import pkgutil
import re
from collections.abc import Iterator

import asyncpg
import pytest
import samenspel.messaging
from samenspel.contracts.topics import Service

from deploy.local.services import is_implemented
from tests.support.service_schema import room

SQL = re.compile(r"\s*(--.*\n\s*)*(select|insert|update|delete|with|set local)\b")
SERVICES: tuple[Service, ...] = ("registry", "funding", "notifier")
WRITTEN = [service for service in SERVICES if is_implemented(service)]


def _statements(package: str) -> Iterator[tuple[str, str]]:
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


def _texts(value: object) -> list[str]:
    parts = value if isinstance(value, tuple) else (value,)
    return [part for part in parts if isinstance(part, str)]


def test_sql_statements_in_subpackages_and_tuples_are_found() -> None:
    names = {name for name, _ in _statements("services.notifier")}
    assert {
        "services.notifier.store.subscriptions.DEACTIVATE",
        "services.notifier.store.subscriptions.RESUME",
    } <= names
    assert any(name.startswith("samenspel.messaging.") for name, _ in _statements("samenspel"))


@pytest.mark.parametrize("service", WRITTEN)
async def test_every_sql_statement_can_be_prepared(server: str, service: Service) -> None:
    statements = [*_statements(samenspel.messaging.__name__), *_statements(f"services.{service}")]
    assert len(statements) > 30
    wrong = {}
    async with room(server, service) as made, made.pool.acquire() as connection:
        for name, text in statements:
            try:
                await connection.prepare(text)
            except asyncpg.PostgresError as error:
                wrong[name] = str(error)
    assert not wrong
