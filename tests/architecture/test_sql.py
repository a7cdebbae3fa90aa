"""Every SQL text in the product is one that its service's migrated schema understands."""

import importlib
import pkgutil
import re
from collections.abc import Iterator

import asyncpg
import pytest
import samenspel.messaging
from samenspel.contracts.topics import Service

from deploy.local.services import is_written
from deploy.local.system import LocalSystem

SQL = re.compile(r"\s*(--.*\n\s*)*(select|insert|update|delete|with|set local)\b")
SERVICES: tuple[Service, ...] = ("registry", "funding", "notifier")
WRITTEN = [service for service in SERVICES if is_written(service)]


def _statements(package: str) -> Iterator[tuple[str, str]]:
    """Module and name of each SQL constant, and its text."""
    folder = importlib.import_module(package).__path__
    for found in pkgutil.iter_modules(folder):
        if found.name == "__main__" or found.ispkg:
            continue
        for name, value in vars(importlib.import_module(f"{package}.{found.name}")).items():
            if name.isupper() and isinstance(value, str) and SQL.match(value):
                yield f"{found.name}.{name}", value


@pytest.mark.parametrize("service", WRITTEN)
async def test_every_statement_can_be_prepared(system: LocalSystem, service: Service) -> None:
    statements = [*_statements(samenspel.messaging.__name__), *_statements(f"services.{service}")]
    assert len(statements) > 30
    connection = await asyncpg.connect(system.databases.dsn_with_password(service))
    wrong = {}
    try:
        for name, text in statements:
            try:
                await connection.prepare(text)
            except asyncpg.PostgresError as error:
                wrong[name] = str(error)
    finally:
        await connection.close()
    assert not wrong
